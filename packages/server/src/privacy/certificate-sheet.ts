import PdfKit from 'pdfkit'
import { pageText } from './certificate-text.ts'

const MARGIN = 56
const FOOT = 46
const INK = '#1a1a1a'
const FAINT = '#5a5a5a'
const LINE = '#b8b8b8'
const LABEL_WIDTH = 128

/** A cell of a list: its text, width in points, and whether it is set in a fixed-width face. */
export interface Cell {
  readonly text: string
  readonly width: number
}

/** Pages of a document to be filed, A4, laid out from top to bottom. The same calls give the same bytes. */
export class Sheet {
  readonly #doc: PDFKit.PDFDocument
  readonly #chunks: Buffer[] = []

  /** @param made RFC 3339, the one date in the file. */
  constructor(title: string, made: string) {
    this.#doc = new PdfKit({
      size: 'A4',
      margins: { top: MARGIN, left: MARGIN, right: MARGIN, bottom: MARGIN + 18 },
      bufferPages: true,
      lang: 'en',
      displayTitle: true,
      info: { Title: pageText(title), Creator: 'Sealtrail', Producer: 'Sealtrail', CreationDate: new Date(made) },
    })
    this.#doc.on('data', (chunk: Buffer) => void this.#chunks.push(chunk))
  }

  get width(): number {
    return this.#doc.page.width - 2 * MARGIN
  }

  title(text: string, under: string): void {
    this.#doc.fillColor(INK).font('Helvetica-Bold').fontSize(20).text(pageText(text))
    this.#doc.moveDown(0.15).fillColor(FAINT).font('Helvetica').fontSize(10.5).text(pageText(under))
    this.#rule(8)
  }

  heading(text: string): void {
    this.room(72)
    this.#doc.moveDown(0.9).fillColor(INK).font('Helvetica-Bold').fontSize(12).text(pageText(text), MARGIN)
    this.#doc.moveDown(0.3)
  }

  paragraph(text: string, faint = false): void {
    this.#doc
      .fillColor(faint ? FAINT : INK)
      .font('Helvetica')
      .fontSize(faint ? 8.5 : 9.5)
      .text(pageText(text), MARGIN, undefined, { width: this.width, lineGap: 1.5 })
    this.#doc.moveDown(0.4)
  }

  /** A label and what it says, side by side. */
  pair(label: string, value: string, mono = false): void {
    const options = { width: this.width - LABEL_WIDTH, lineGap: 1.5 }
    this.#doc.font(mono ? 'Courier' : 'Helvetica').fontSize(mono ? 8.5 : 9.5)
    this.room(Math.min(200, this.#doc.heightOfString(pageText(value), options)) + 4)
    const top = this.#doc.y
    this.#doc
      .fillColor(FAINT)
      .font('Helvetica')
      .fontSize(9.5)
      .text(pageText(label), MARGIN, top, { width: LABEL_WIDTH - 10 })
    const below = this.#doc.y
    this.#doc
      .fillColor(INK)
      .font(mono ? 'Courier' : 'Helvetica')
      .fontSize(mono ? 8.5 : 9.5)
      .text(pageText(value), MARGIN + LABEL_WIDTH, top, options)
    // A value that went over the page has its end there.
    this.#doc.y = (this.#doc.y < top ? this.#doc.y : Math.max(below, this.#doc.y)) + 3
    this.#doc.x = MARGIN
  }

  /** Lines to be typed or compared, exactly. */
  code(text: string): void {
    this.#doc
      .fillColor(INK)
      .font('Courier')
      .fontSize(8.5)
      .text(pageText(text), MARGIN + 10, undefined, { width: this.width - 20, lineGap: 1.5 })
    this.#doc.moveDown(0.5)
    this.#doc.x = MARGIN
  }

  /** Rows under a head that stands again on each page. */
  list(head: readonly Cell[], rows: Iterable<{ readonly cells: readonly Cell[]; readonly under: string }>): void {
    this.row(head, { head: true })
    for (const { cells, under } of rows) {
      if (this.room(24)) this.row(head, { head: true })
      this.row(cells, { under })
    }
  }

  /** A row of a list; each cell is one line, cut where it does not fit. @param under a second line, in a fixed-width face */
  row(cells: readonly Cell[], { head = false, under = '' }: { readonly head?: boolean; readonly under?: string } = {}): void {
    this.room(under === '' ? 14 : 24)
    const top = this.#doc.y
    let x = MARGIN
    this.#doc
      .fillColor(head ? FAINT : INK)
      .font(head ? 'Helvetica-Bold' : 'Helvetica')
      .fontSize(8)
    for (const { text, width } of cells) {
      this.#doc.text(this.#fitted(pageText(text), width - 6), x, top, { lineBreak: false })
      x += width
    }
    if (under !== '')
      this.#doc
        .fillColor(FAINT)
        .font('Courier')
        .fontSize(7)
        .text(this.#fitted(pageText(under), this.width), MARGIN, top + 10, { lineBreak: false })
    const bottom = top + (under === '' ? 12 : 20)
    if (head) this.#line(bottom)
    this.#doc.x = MARGIN
    this.#doc.y = bottom + 3
  }

  /** Blanks to be filled in by hand, two in a row. */
  blanks(labels: readonly string[]): void {
    const half = this.width / 2
    for (let i = 0; i < labels.length; i += 2) {
      this.room(44)
      const top = this.#doc.y + 26
      for (const [n, label] of labels.slice(i, i + 2).entries()) {
        const x = MARGIN + n * half
        this.#doc
          .moveTo(x, top)
          .lineTo(x + half - 18, top)
          .lineWidth(0.7)
          .strokeColor(INK)
          .stroke()
        this.#doc
          .fillColor(FAINT)
          .font('Helvetica')
          .fontSize(8)
          .text(pageText(label), x, top + 3, { lineBreak: false })
      }
      this.#doc.x = MARGIN
      this.#doc.y = top + 16
    }
  }

  /** Goes to a new page where fewer points are left; whether it did. */
  room(points: number): boolean {
    const full = this.#doc.y + points > this.#doc.page.height - MARGIN - 18
    if (full) this.#doc.addPage()
    return full
  }

  /** @param foot stands on each page, before its number */
  async end(foot: string): Promise<Uint8Array<ArrayBuffer>> {
    const { start, count } = this.#doc.bufferedPageRange()
    for (let i = 0; i < count; i++) {
      this.#doc.switchToPage(start + i)
      // Within the margin nothing starts a new page.
      this.#doc.page.margins.bottom = 0
      const y = this.#doc.page.height - FOOT
      this.#line(y - 6)
      this.#doc.fillColor(FAINT).font('Helvetica').fontSize(7.5)
      this.#doc.text(this.#fitted(pageText(foot), this.width - 80), MARGIN, y, { lineBreak: false })
      this.#doc.text(`Page ${i + 1} of ${count}`, MARGIN, y, { width: this.width, align: 'right', lineBreak: false })
    }
    const ended = new Promise<void>((resolve, reject) => {
      this.#doc.once('end', () => resolve())
      this.#doc.once('error', reject)
    })
    this.#doc.end()
    await ended
    return new Uint8Array(Buffer.concat(this.#chunks))
  }

  /** In the present font. */
  #fitted(text: string, width: number): string {
    if (this.#doc.widthOfString(text) <= width) return text
    let length = text.length
    while (length > 1 && this.#doc.widthOfString(`${text.slice(0, length)}…`) > width) length--
    return `${text.slice(0, length)}…`
  }

  #rule(gap: number): void {
    this.#doc.y += gap
    this.#line(this.#doc.y)
    this.#doc.y += gap
  }

  #line(y: number): void {
    this.#doc
      .moveTo(MARGIN, y)
      .lineTo(MARGIN + this.width, y)
      .lineWidth(0.5)
      .strokeColor(LINE)
      .stroke()
  }
}
