import type { Client } from './client.ts'
import { openClient } from './client.ts'
import type { Context, Exit } from './command.ts'

/** Opens the client the options ask for, works, and closes it whatever happens. */
export async function withClient(ctx: Context, work: (client: Client) => Promise<Exit>, options: { readonly create?: boolean } = {}): Promise<Exit> {
  const client = await openClient(ctx, options)
  try {
    return await work(client)
  } finally {
    await client.close()
  }
}
