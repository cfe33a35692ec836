import { Collapse, UnstyledButton } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconChevronRight } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import classes from './Fields.module.css'

interface Props {
  /** Opens it, such as where something in it is wrong. */
  open: boolean
  children: ReactNode
}

/** Settings that most people leave alone, folded until they are wanted. */
export function Advanced({ open, children }: Props) {
  const [opened, { toggle }] = useDisclosure(false)
  const visible = opened || open
  return (
    <div className={classes.wide}>
      <UnstyledButton className={classes.advanced} onClick={toggle} aria-expanded={visible}>
        <IconChevronRight size={14} aria-hidden className={visible ? classes.turned : undefined} />
        Advanced settings
      </UnstyledButton>
      <Collapse expanded={visible}>
        <div className={classes.form} style={{ paddingTop: 12 }}>
          {children}
        </div>
      </Collapse>
    </div>
  )
}
