const number = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

const unknown = 'Unknown'

/** A score; what a vendor does not tell is not 0. */
export const scoreWords = (score: number | null): string => (score === null ? unknown : `${number.format(score)} of 10`)

/** A part of the events. */
export const partWords = (percent: number | null): string => (percent === null ? unknown : `${number.format(percent)} %`)

/** How many more conversions are reported. */
export const additionalWords = (percent: number | null): string => (percent === null ? unknown : `${percent > 0 ? '+' : ''}${number.format(percent)} %`)

/** How much a vendor finds wrong. */
export const findingsWords = (findings: number): string => (findings === 0 ? 'None' : number.format(findings))
