import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as it arrived. */
export interface Received {
  method: string
  path: string
  authorization: string
  body: string
}

/** What is answered to a request. */
export interface Answer {
  status: number
  body: unknown
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** An API of somebody else, to which syncs send: it notes what arrives and answers as the test says. */
export class Receiver {
  readonly received: Received[] = []
  /** Decides on the answer; may wait. GET is the connection test, which is always answered. */
  answer: (request: Received) => Answer | Promise<Answer> = () => ({ status: 200, body: { ok: true } })
  private constructor(private readonly server: Server) {}

  static async start(): Promise<Receiver> {
    const server = createServer()
    const receiver = new Receiver(server)
    server.on('request', (request, response) => {
      void (async () => {
        const seen = { method: request.method ?? '', path: request.url ?? '', authorization: request.headers.authorization ?? '', body: await bodyOf(request) }
        if (seen.method !== 'GET') receiver.received.push(seen)
        const { status, body } = seen.method === 'GET' ? { status: 200, body: {} } : await receiver.answer(seen)
        response.writeHead(status, { 'Content-Type': 'application/json', 'X-Trace': 't-77' }).end(JSON.stringify(body))
      })()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return receiver
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** What arrived since the last time, as "METHOD /path", sorted. */
  take(): string[] {
    return this.received.splice(0).map(({ method, path }) => `${method} ${path}`).sort()
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }
}
