// Evaluates requests under policies by @cloud-copilot/iam-simulate: JSON lines in, JSON lines out, one process for all.
//
// {"define": name, "policy": document}   keeps a policy under a name
// {"id", "principal", "action", "resource", "account", "context", "identity": [names], "session": name or null,
//  "abac": whether the bucket has ABAC enabled, without which S3 evaluates no aws:ResourceTag,
//  "scps": [[names of a level], ...], "trust": name or null}   answers {"id", "allowed", "by": [deciding statements]}
// {"id", "until": [requests, each with "expected"]}   answers {"id", "differs": id of the first request that is answered
//                                        otherwise, or null}
//
// What can't be evaluated, or names a condition key that the action does not carry, answers {"id", "error"}: such a
// request would test nothing.
import { createInterface } from 'node:readline'
import { runSimulation } from '@cloud-copilot/iam-simulate'

const policies = new Map()

function named(name) {
  if (!policies.has(name)) throw new Error(`no policy ${name}`)
  return { name, policy: policies.get(name) }
}

function statements(found, effect) {
  return (found?.[effect] ?? []).map(
    (match) => `${match.policyId ?? 'trust'}:${match.statement.sid?.() ?? match.statement.index?.() ?? '?'}`
  )
}

async function evaluate(line) {
  const answer = await runSimulation(
    {
      request: {
        principal: line.principal,
        action: line.action,
        resource: { resource: line.resource, accountId: line.account },
        contextVariables: line.context
      },
      additionalSettings: { s3: { bucketAbacEnabled: Boolean(line.abac) } },
      sessionPolicy: line.session ? named(line.session).policy : undefined,
      identityPolicies: line.identity.map(named),
      serviceControlPolicies: line.scps.map((level, number) => ({
        orgIdentifier: `level-${number}`,
        policies: level.map(named)
      })),
      resourceControlPolicies: [],
      resourcePolicy: line.trust ? named(line.trust).policy : undefined
    },
    {}
  )
  if (answer.resultType === 'error') return { id: line.id, error: JSON.stringify(answer.errors) }
  const results = answer.resultType === 'single' ? [answer.result] : answer.results
  const ignored = results.flatMap((result) => result.ignoredContextKeys ?? [])
  if (ignored.length > 0) return { id: line.id, error: `${line.action} carries no ${ignored.join(', ')}` }
  const allowed = answer.overallResult === 'Allowed'
  const effect = allowed ? 'allowStatements' : 'denyStatements'
  const by = results.flatMap(({ analysis }) => [
    ...(allowed ? [] : (analysis.scpAnalysis?.ouAnalysis ?? []).flatMap((level) => statements(level, effect))),
    ...statements(analysis.identityAnalysis, effect),
    ...statements(analysis.sessionAnalysis, effect),
    ...statements(analysis.resourceAnalysis, effect)
  ])
  return { id: line.id, allowed, by }
}

async function answered(line) {
  try {
    return await evaluate(line)
  } catch (error) {
    return { id: line.id, error: String(error) }
  }
}

async function differs(line) {
  for (const request of line.until) {
    const answer = await answered(request)
    if (answer.error) return { id: line.id, error: `${request.id}: ${answer.error}` }
    if (answer.allowed !== request.expected) return { id: line.id, differs: request.id }
  }
  return { id: line.id, differs: null }
}

for await (const text of createInterface({ input: process.stdin })) {
  const line = JSON.parse(text)
  if (line.define) {
    policies.set(line.define, line.policy)
    continue
  }
  const answer = line.until ? await differs(line) : await answered(line)
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
