// The program of a second process: zeromq.js (libzmq) or jszmq, driven by JSON lines as
// tests/support/peer_process.py is.  node peer.js zeromq|jszmq FD
"use strict"

const http = require("node:http")
const net = require("node:net")

const decode = value => {
  if (Array.isArray(value)) return value.map(decode)
  return value && value.b64 !== undefined ? Buffer.from(value.b64, "base64") : value
}
const encode = value => {
  if (Array.isArray(value)) return value.map(encode)
  return Buffer.isBuffer(value) ? { b64: value.toString("base64") } : value
}

// One socket of zeromq.js, under pyzmq's names; of get() only LAST_ENDPOINT is asked.
class Zeromq {
  static types = {
    REQ: "Request", REP: "Reply", PUB: "Publisher", SUB: "Subscriber", PUSH: "Push", PULL: "Pull",
    DEALER: "Dealer", ROUTER: "Router", PAIR: "Pair", XPUB: "XPublisher", XSUB: "XSubscriber",
  }
  static options = {
    linger: "linger", rcvtimeo: "receiveTimeout", sndtimeo: "sendTimeout",
    routing_id: "routingId", plain_server: "plainServer", plain_username: "plainUsername",
    plain_password: "plainPassword", curve_server: "curveServer",
    curve_publickey: "curvePublicKey", curve_secretkey: "curveSecretKey",
    curve_serverkey: "curveServerKey",
  }

  constructor(kind, options) {
    const zmq = require("zeromq")
    this.socket = new zmq[Zeromq.types[kind]]()
    for (const [name, value] of Object.entries(options)) {
      const key = Zeromq.options[name]
      const text = Buffer.isBuffer(value) && name !== "routing_id" ? value.toString() : value
      if (key in this.socket) this.socket[key] = key.endsWith("Server") ? Boolean(text) : text
    }
  }

  async bind(where) { await this.socket.bind(where) }
  get() { return Buffer.from(this.socket.lastEndpoint) }
  connect(where) { this.socket.connect(where) }
  subscribe(topic) { this.socket.subscribe(topic) }
  async send_multipart(parts) { await this.socket.send(parts) }
  async recv_multipart() { return [...await this.socket.receive()] }
  close() { this.socket.close() }
}

// One socket of jszmq.  What comes is kept until it is asked for.
class Jszmq {
  constructor(kind) {
    const zmq = require("jszmq")
    this.socket = zmq.socket(kind.toLowerCase())
    this.inbox = []
    this.waiting = []
    this.socket.on("message", (...parts) => {
      const message = parts.map(part => Buffer.from(part))
      const taker = this.waiting.shift()
      taker ? taker(message) : this.inbox.push(message)
    })
  }

  async bind(where) {
    const server = http.createServer()
    await new Promise(done => server.listen(0, "127.0.0.1", done))
    this.server = server
    this.place = where.replace("*", server.address().port)
    this.socket.bindSync(this.place, server)
  }
  get() { return Buffer.from(this.place) }
  connect(where) { this.socket.connect(where) }
  subscribe(topic) { this.socket.subscribe(topic) }
  send_multipart(parts) { this.socket.send(parts) }
  recv_multipart() {
    if (this.inbox.length) return this.inbox.shift()
    return new Promise(done => this.waiting.push(done))
  }
  close() {
    this.socket.close()
    if (this.server) {
      this.server.close()
      this.server.closeAllConnections()
    }
  }
}

const kinds = { zeromq: Zeromq, jszmq: Jszmq }
const Kind = kinds[process.argv[2]]
const wire = new net.Socket({ fd: Number(process.argv[3]) })
const sockets = new Map()
let number = 0

const operations = {
  socket({ kind, options }) {
    const opened = Object.fromEntries(
      Object.entries(options).map(([name, value]) => [name, decode(value)]))
    sockets.set(++number, new Kind(kind, opened))
    return number
  },
  call({ sock, name, args }) { return sockets.get(sock)[name](...args.map(decode)) },
  reset() {
    for (const socket of sockets.values()) socket.close()
    sockets.clear()
  },
}

async function serve(line) {
  const request = JSON.parse(line)
  let answer
  try {
    const value = await operations[request.op](request)
    answer = { id: request.id, value: encode(value ?? null) }
  } catch (error) {
    answer = { id: request.id, error: String(error), errno: error.errno ?? null }
  }
  wire.write(JSON.stringify(answer) + "\n")
}

let rest = ""
wire.setEncoding("latin1")
wire.on("data", text => {
  const lines = (rest + text).split("\n")
  rest = lines.pop()
  lines.forEach(serve)
})
wire.on("end", () => process.exit())
