import { Button, Menu, Modal, NumberInput, Select } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconBellOff, IconChevronDown } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { saidFailed } from '~/components/feedback/toast'
import { TimeAgo } from '~/components/format/TimeAgo'
import { muteAlert, unmuteAlert } from '~/services/alerts'
import type { TriggerState } from '~/services/types'
import classes from './Alert.module.css'

const hour = 60
const day = 24 * hour

const lengths = [
  { label: 'For 1 hour', minutes: hour },
  { label: 'For 8 hours', minutes: 8 * hour },
  { label: 'For 1 day', minutes: day },
  { label: 'For 1 week', minutes: 7 * day },
]

interface Props {
  slug: string
  trigger: TriggerState
}

/** Mutes a trigger for a while or for good, or lets it be heard again (SY-67). Its level goes on to move. */
export function MuteControl({ slug, trigger }: Props) {
  const client = useQueryClient()
  const [choosing, dialog] = useDisclosure(false)
  const change = useMutation({
    mutationFn: (minutes: number | 'forever' | 'never') =>
      minutes === 'never' ? unmuteAlert(slug, trigger.name) : muteAlert(slug, trigger.name, minutes === 'forever' ? undefined : minutes),
    onSuccess: (alerts) => {
      client.setQueryData(['syncs', 'alerts', slug], alerts)
      dialog.close()
    },
    onError: (error) => saidFailed(`${trigger.label} was not changed`, error),
  })
  if (trigger.muted) {
    return (
      <div className={classes.mute}>
        <span className={classes.muted}>
          <IconBellOff size={15} aria-hidden />
          <span>
            Muted{trigger.mutedUntil === null ? '' : ', ends '}
            {trigger.mutedUntil !== null && <TimeAgo at={trigger.mutedUntil} />}
          </span>
        </span>
        <Button variant="default" size="xs" loading={change.isPending} onClick={() => change.mutate('never')} aria-label={`Unmute ${trigger.label}`}>
          Unmute
        </Button>
      </div>
    )
  }
  return (
    <div className={classes.mute}>
      <Menu position="bottom-end" width={200}>
        <Menu.Target>
          <Button
            variant="subtle"
            color="gray"
            size="xs"
            loading={change.isPending}
            leftSection={<IconBellOff size={14} aria-hidden />}
            rightSection={<IconChevronDown size={13} aria-hidden />}
            aria-label={`Mute ${trigger.label}`}
          >
            Mute
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {lengths.map(({ label, minutes }) => (
            <Menu.Item key={minutes} onClick={() => change.mutate(minutes)}>
              {label}
            </Menu.Item>
          ))}
          <Menu.Item onClick={dialog.open}>For another time…</Menu.Item>
          <Menu.Divider />
          <Menu.Item onClick={() => change.mutate('forever')}>Until I unmute it</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {choosing && (
        <CustomMute label={trigger.label} error={change.error} saving={change.isPending} onMute={(minutes) => change.mutate(minutes)} onClose={dialog.close} />
      )}
    </div>
  )
}

const units = [
  { value: String(1), label: 'minutes' },
  { value: String(hour), label: 'hours' },
  { value: String(day), label: 'days' },
]

interface CustomProps {
  label: string
  error: unknown
  saving: boolean
  onMute: (minutes: number) => void
  onClose: () => void
}

function CustomMute({ label, error, saving, onMute, onClose }: CustomProps) {
  const [quantity, setQuantity] = useState<number | ''>(2)
  const [unit, setUnit] = useState(String(hour))
  const minutes = Number(quantity) * Number(unit)
  const possible = quantity !== '' && minutes >= 1 && minutes <= 365 * day
  return (
    <Modal opened onClose={onClose} title={<strong>Mute {label}</strong>}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          onMute(minutes)
        }}
      >
        <p className="muted">Nobody is told of changes meanwhile. Its level goes on to show here.</p>
        <div className="row">
          <NumberInput
            aria-label="How long"
            data-autofocus
            w={110}
            min={1}
            allowDecimal={false}
            value={quantity}
            error={possible ? undefined : true}
            onChange={(next) => setQuantity(next === '' ? '' : Number(next))}
          />
          <Select aria-label="Unit" w={140} allowDeselect={false} data={units} value={unit} onChange={(next) => setUnit(next ?? unit)} />
        </div>
        {error !== null && <ErrorCard error={error} title="It was not muted" />}
        <Button type="submit" disabled={!possible} loading={saving}>
          Mute
        </Button>
      </form>
    </Modal>
  )
}
