import { Button, PasswordInput, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useRouter } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { Logo } from '~/components/brand/Logo'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { signIn } from '~/services/session'
import classes from './sign-in.module.css'

const route = getRouteApi('/sign-in')

/** Where a person signs in. */
export default function SignInPage() {
  const { next } = route.useSearch()
  const router = useRouter()
  const client = useQueryClient()
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  useEffect(() => {
    document.title = 'Sign in · Millrace'
  }, [])
  const enter = useMutation({
    mutationFn: () => signIn(email.trim(), password),
    onSuccess: (session) => {
      client.setQueryData(['session'], session)
      router.history.push(next ?? '/')
    },
  })
  return (
    <main className={classes.page}>
      <form
        className={classes.panel}
        onSubmit={(event) => {
          event.preventDefault()
          enter.mutate()
        }}
      >
        <div className={classes.brand}>
          <Logo size={38} />
          <div>
            <h1>Millrace</h1>
            <p className="muted">Sign in to your workspace</p>
          </div>
        </div>
        <TextInput
          label="Email"
          type="email"
          name="email"
          autoComplete="username"
          required
          withAsterisk={false}
          autoFocus
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
        />
        <PasswordInput
          label="Password"
          name="password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        {enter.isError && <ErrorCard error={enter.error} />}
        <Button type="submit" size="md" loading={enter.isPending}>
          Sign in
        </Button>
        <p className="muted small">The first admin’s password was printed when the server first started.</p>
      </form>
    </main>
  )
}
