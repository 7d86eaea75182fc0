import t from 'tap'
import { openLocalPorts } from '../../actors/local-ports.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

t.test('messages come later than the call, in their order, and before the close', async (t) => {
  const { port1, port2 } = openLocalPorts()
  const heard: unknown[] = []
  port2.on('message', (message) => heard.push(message))
  port2.on('close', () => heard.push('closed'))
  port1.on('close', () => heard.push('closed here'))
  port1.postMessage(1, [])
  port1.postMessage(2, [])
  port1.close()
  port1.postMessage(3, [])
  t.same(heard, [])
  await turn()
  t.same(heard.toSorted(), [1, 2, 'closed', 'closed here'])
  t.ok(heard.indexOf(2) < heard.indexOf('closed'))
})

t.test('what is sent before anybody listens is kept', async (t) => {
  const { port1, port2 } = openLocalPorts()
  const heard: unknown[] = []
  port1.postMessage('early', [])
  port1.close()
  await turn()
  port2.on('close', () => heard.push('closed'))
  port2.on('message', (message) => heard.push(message))
  await turn()
  t.same(heard, ['early', 'closed'])
})

t.test(
  'an answer is heard, and what its message leads to is done before the next one',
  async (t) => {
    const { port1, port2 } = openLocalPorts()
    const done: string[] = []
    port2.on('message', (message) => {
      done.push(`heard ${message}`)
      queueMicrotask(() => done.push(`after ${message}`))
      port2.postMessage(message, [])
    })
    port1.on('message', (message) => done.push(`answer ${message}`))
    port1.postMessage('a', [])
    port1.postMessage('b', [])
    await turn()
    t.ok(done.indexOf('after a') < done.indexOf('answer b'))
    t.same(
      done.filter((one) => one.startsWith('answer')),
      ['answer a', 'answer b'],
    )
  },
)

t.test('a port that was closed hears nothing more', async (t) => {
  const { port1, port2 } = openLocalPorts()
  const heard: unknown[] = []
  port2.on('message', (message) => heard.push(message))
  port1.postMessage('late', [])
  port2.close()
  await turn()
  t.same(heard, [])
})

t.test(
  'nor what is sent before its other end has heard of that, and each end closes once',
  async (t) => {
    const { port1, port2 } = openLocalPorts()
    const heard: unknown[] = []
    port1.on('message', (message) => heard.push(message))
    port1.on('close', () => heard.push('closed'))
    port2.on('close', () => heard.push('closed too'))
    port1.close()
    port2.postMessage('late', [])
    port2.close()
    await turn()
    t.same(heard.toSorted(), ['closed', 'closed too'])
  },
)
