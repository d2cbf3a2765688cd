# What a team of the organization has: two resources of its own, and nothing about ownertag.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  profile = "alice"
}

variable "name" {
  type    = string
  default = "made-by-terraform"
}

resource "aws_instance" "this" {
  ami           = "ami-12c6146b"
  instance_type = "t3.micro"

  tags = {
    Name = var.name
  }
}

resource "aws_ebs_volume" "this" {
  availability_zone = "us-east-1a"
  size              = 8
}
