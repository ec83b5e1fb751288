// ZeroMQ in a browser: ZWS 2.0 (https://rfc.zeromq.org/spec/45/) over the browser's own WebSocket.
// new Zws(url, {topics, onmessage, onstate}); subscribe(topic); send(parts); await request(part)
"use strict"

class Zws {
  constructor(url, { topics = [], onmessage = () => {}, onstate = () => {} } = {}) {
    Object.assign(this, { url, onmessage, onstate, topics: new Set(topics), asked: [] })
    this.open()
  }

  open() {
    this.parts = null // until the peer's routing id has come, which is its first message
    this.socket = new WebSocket(this.url, "ZWS2.0")
    this.socket.binaryType = "arraybuffer"
    this.socket.onopen = () => {
      this.socket.send(Uint8Array.of(0)) // our routing id: none
      this.topics.forEach(topic => this.send([Zws.bytes("\x01" + topic)]))
      this.onstate("connected")
    }
    this.socket.onmessage = ({ data }) => this.take(new Uint8Array(data))
    this.socket.onclose = () => {
      this.asked.splice(0).forEach(({ reject }) => reject(new Error("the connection was lost")))
      this.onstate("connecting")
      setTimeout(() => this.open(), 500)
    }
  }

  take(frame) { // one frame is one part; its first byte: 1 more will follow, 2 a command
    if (frame[0] & 2) return
    if (!this.parts) return void (this.parts = [])
    this.parts.push(frame.subarray(1))
    if (frame[0] & 1) return
    const message = this.parts.splice(0)
    this.asked.length ? this.asked.shift().resolve(message[1]) : this.onmessage(message)
  }

  send(parts) { // Uint8Arrays
    parts.forEach((part, at) => {
      const frame = new Uint8Array(1 + part.length)
      frame[0] = at < parts.length - 1 ? 1 : 0
      frame.set(part, 1)
      this.socket.send(frame)
    })
  }

  subscribe(topic, on = true) { // a publisher is told by messages: 1 and the topic, or 0 and the topic
    on ? this.topics.add(topic) : this.topics.delete(topic)
    if (this.socket.readyState === WebSocket.OPEN) this.send([Zws.bytes((on ? "\x01" : "\x00") + topic)])
  }

  request(part) { // as REQ does it: an empty part before; replies come in the order of the requests
    return new Promise((resolve, reject) => {
      if (this.socket.readyState !== WebSocket.OPEN) return reject(new Error("not connected"))
      this.asked.push({ resolve, reject })
      this.send([new Uint8Array(0), part])
    })
  }

  static bytes(text) { return new TextEncoder().encode(text) }
  static text(part) { return new TextDecoder().decode(part) }
}
