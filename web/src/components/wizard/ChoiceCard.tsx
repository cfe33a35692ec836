import type { ReactNode } from 'react'
import classes from './Wizard.module.css'

interface Props {
  icon?: ReactNode
  title: string
  text?: ReactNode
  badge?: ReactNode
  selected?: boolean
  /** It cannot be chosen; the text says why. */
  disabled?: boolean
  onClick: () => void
}

/** One of several things to choose from. */
export function ChoiceCard({ icon, title, text, badge, selected = false, disabled = false, onClick }: Props) {
  return (
    <button type="button" className={classes.choice} aria-pressed={selected} disabled={disabled} onClick={onClick}>
      {icon}
      <span className={classes.choiceText}>
        <span className={classes.choiceTitle}>
          <strong>{title}</strong>
          {badge}
        </span>
        {text !== undefined && <span className="muted small">{text}</span>}
      </span>
    </button>
  )
}

/** A card with an action of its own beside the choice. */
export const ChoiceWith = ({ children, action }: { children: ReactNode; action: ReactNode }) => (
  <div className={classes.choiceWith}>
    {children}
    <div className={classes.choiceAction}>{action}</div>
  </div>
)

/** Cards side by side. */
export const ChoiceGrid = ({ children, label }: { children: ReactNode; label: string }) => (
  <div className={classes.choices} role="group" aria-label={label}>
    {children}
  </div>
)
