import { breaches, choose, expect, recolour, signIn, test } from '../app'

test.beforeEach(async ({ page, request }) => {
  await request.get('/mock/reset')
  await signIn(page)
})

// Req
test('a standard tunnel is made, shows its key and how it stands, and its key is replaced', async ({ page }) => {
  await page.goto('/settings/tunnels')
  await expect(page.getByText('192.0.2.7')).toBeVisible()
  await page.getByRole('link', { name: 'Add tunnel' }).click()
  await page.getByRole('button', { name: /Standard/ }).click()
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Branch')
  await page.getByRole('textbox', { name: 'SSH host' }).fill('bastion.branch.example.com')
  await page.getByRole('textbox', { name: 'Service host' }).fill('db.branch')
  await page.getByRole('textbox', { name: 'Service port' }).fill('5432')
  await page.getByRole('button', { name: 'Create' }).click()
  await expect(page.getByRole('heading', { name: 'Branch' })).toBeVisible()
  await expect(page.getByText('Connected', { exact: true })).toBeVisible()
  await expect(page.getByText(/^ssh-ed25519 .*branch$/)).toBeVisible()
  await expect(page.getByRole('button', { name: 'Copy the public key' })).toBeVisible()
  await page.getByRole('button', { name: 'Test', exact: true }).click()
  await expect(page.getByText('The tunnel works.')).toBeVisible()
  await page.getByRole('button', { name: 'Make a new key' }).click()
  await expect(page.getByRole('dialog')).toContainText('The old key works until')
  await page.getByRole('dialog').getByRole('button', { name: 'Make key' }).click()
  await expect(page.getByText(/^ssh-ed25519 .*next$/)).toBeVisible()
  await page.getByRole('button', { name: 'Replace at once' }).click()
  await expect(page.getByRole('dialog')).toContainText('The old key stops working now.')
  await page.getByRole('dialog').getByRole('button', { name: 'Replace key' }).click()
  await expect(page.getByText(/^ssh-ed25519 .*new$/)).toBeVisible()
  expect(await breaches(page)).toEqual([])
  await recolour(page, 'dark')
  expect(await breaches(page)).toEqual([])
})

// Req: X-24
test('the private key of a reverse tunnel is shown once', async ({ page }) => {
  await page.goto('/settings/tunnels/warehouse-of-the-subsidiary')
  await expect(page.getByText(/^ssh -N -i .*ExitOnForwardFailure=yes/)).toBeVisible()
  await page.getByRole('button', { name: 'Issue key' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText('BEGIN OPENSSH PRIVATE KEY')
  await expect(dialog).toContainText('This is the only time')
  expect(await breaches(page)).toEqual([])
  await dialog.getByRole('button', { name: 'Done' }).click()
  await expect(page.getByText('BEGIN OPENSSH PRIVATE KEY')).toBeHidden()
  await expect(page.getByRole('button', { name: 'Make a new key' })).toBeVisible()
})

// Req
test('a source is connected through a tunnel, which then cannot be deleted', async ({ page }) => {
  await page.goto('/sources/new?type=postgres')
  await page.getByRole('textbox', { name: 'Host' }).fill('db.internal')
  for (const name of ['Database', 'User']) await page.getByRole('textbox', { name }).fill('x')
  await page.getByRole('textbox', { name: 'Password' }).fill('x')
  await choose(page, 'Tunnel', /Office/)
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByText('The connection works.')).toBeVisible()
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('button', { name: 'Finish' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  await page.goto('/settings/tunnels/office')
  await expect(page.getByText('1 source or destination')).toBeVisible()
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete tunnel' }).click()
  await expect(page.getByText(/is used by/)).toBeVisible()
})

// Req: X-19
test('an error of a connection names the addresses of this server', async ({ page }) => {
  await page.goto('/sources/new?type=postgres')
  await page.getByRole('textbox', { name: 'Host' }).fill('nowhere')
  for (const name of ['Database', 'User']) await page.getByRole('textbox', { name }).fill('x')
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByRole('alert')).toContainText('192.0.2.7')
})

// Req: X-26
test('a credential with a role shows its external ID once', async ({ page }) => {
  await page.goto('/settings/credentials')
  await page.getByRole('link', { name: 'Add credential' }).click()
  await page.getByRole('button', { name: /Amazon Web Services/ }).click()
  await page.getByRole('button', { name: 'Issue an external ID' }).click()
  await expect(page.getByTestId('external-id')).toContainText('millrace-')
  await page.getByRole('textbox', { name: 'Role ARN' }).fill('arn:aws:iam::210987654321:role/millrace')
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByText('The connection works.')).toBeVisible()
  expect(await breaches(page)).toEqual([])
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('row', { name: /Amazon Web Services/ })).toBeVisible()
})

// Req: X-27
test('the key of a service account shows whose it is, and a P12 file is refused', async ({ page }) => {
  await page.goto('/settings/credentials/new?type=gcp')
  const take = async (name: string, text: string) => {
    const chooser = page.waitForEvent('filechooser')
    await page.getByRole('button', { name: 'Choose the key’s file' }).click()
    await (await chooser).setFiles({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(text) })
  }
  await take('key.p12', 'MIIKUAIBAzCC')
  await expect(page.getByText('P12 keys do not work.', { exact: false }).first()).toBeVisible()
  await take('key.json', JSON.stringify({ type: 'service_account', client_id: '1066', client_email: 'robot@acme.example.com', private_key: 'k' }))
  await expect(page.getByText('robot@acme.example.com').first()).toBeVisible()
  await expect(page.getByText('1066', { exact: true })).toBeVisible()
})

test('tunnels and credentials can be searched', async ({ page }) => {
  await page.goto('/settings/tunnels')
  await page.getByRole('textbox', { name: 'Search tunnels' }).fill('zzz')
  await expect(page.getByText('No tunnels match')).toBeVisible()
  await page.goto('/settings/credentials')
  await page.getByRole('textbox', { name: 'Search credentials' }).fill('zzz')
  await expect(page.getByText('No credentials match')).toBeVisible()
})
