// Drives examples/dashboard in headless Chromium: waits for data, moves a slider, unsubscribes, and
// takes the picture.  node dashboard.js URL PICTURE CHROMIUM.  Prints what it saw as JSON.
"use strict"

const { mkdtempSync, rmSync } = require("node:fs")
const { tmpdir } = require("node:os")
const { join } = require("node:path")
const { chromium } = require("playwright-core")

const [url, picture, executablePath] = process.argv.slice(2)
const args = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
]

async function main() {
  const profile = mkdtempSync(join(tmpdir(), "gzmtp-dashboard-"))
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath, args, headless: true, viewport: { width: 940, height: 620 },
  })
  try {
    const page = await browser.newPage()
    const errors = []
    page.on("pageerror", error => errors.push(String(error)))
    page.on("console", line => line.type() === "error" && errors.push(line.text()))
    await page.goto(url)
    await page.waitForFunction(() => received > 20)
    const state = await page.textContent("#state")

    await page.check("#load")
    await page.waitForFunction(() => series.load.length > 2)
    await page.fill("#frequency", "1.2")
    await page.waitForFunction(() => document.getElementById("reply").textContent.includes('"frequency": 1.2'))
    await page.waitForFunction(() => series.wave.length > 170, null, { timeout: 30000 })
    await page.screenshot({ path: picture })

    // What was drawn is the data: pixels of each line's colour are on the canvas.
    const drawn = await page.evaluate(() => {
      const canvas = document.getElementById("plot")
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
      const count = {}
      for (const [topic, colour] of Object.entries(colours)) {
        const [red, green, blue] = [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16))
        count[topic] = 0
        for (let at = 0; at < data.length; at += 4) {
          if (data[at] === red && data[at + 1] === green && data[at + 2] === blue) count[topic] += 1
        }
      }
      return count
    })
    await page.uncheck("#walk")
    await page.waitForTimeout(500) // what was on its way
    const [before, others] = await page.evaluate(() => [series.walk.length, received])
    await page.waitForFunction(many => received > many + 20, others)
    const after = await page.evaluate(() => series.walk.length)
    const reply = await page.textContent("#reply")
    console.log(JSON.stringify({ state, drawn, before, after, reply, errors }))
  } finally {
    await browser.close()
    rmSync(profile, { recursive: true, force: true })
  }
}

main().catch(error => {
  console.error(error)
  process.exit(1)
})
