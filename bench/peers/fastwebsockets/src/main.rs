//! fastwebsockets as an echo server on one thread of tokio, right on the TCP stream.
use base64::{engine::general_purpose::STANDARD, Engine};
use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocket};
use sha1::{Digest, Sha1};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

type Failure = Box<dyn std::error::Error>;

const LIMIT: usize = 64 * 1024 * 1024;
const LONGEST_REQUEST: usize = 8192;
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        eprintln!(r#"{{"msg":"listening","address":"ws://{address}"}}"#);
        loop {
            let (stream, _) = listener.accept().await?;
            spawn(stream);
        }
    })
}

/// A connection that fails is gone, and nobody is told.
fn spawn(stream: TcpStream) {
    tokio::task::spawn_local(async move {
        let _ = serve(stream).await;
    });
}

async fn serve(mut stream: TcpStream) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    accept(&mut stream).await?;
    let mut socket = WebSocket::after_handshake(stream, Role::Server);
    socket.set_auto_close(true);
    socket.set_auto_pong(true);
    socket.set_writev(true);
    socket.set_max_message_size(LIMIT);
    let mut socket = FragmentCollector::new(socket);
    loop {
        let frame = socket.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => socket.write_frame(frame).await?,
            _ => {}
        }
    }
}

/// Reads the request of the opening handshake up to its empty line, and answers it.
async fn accept(stream: &mut TcpStream) -> Result<(), Failure> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if request.len() > LONGEST_REQUEST || stream.read_buf(&mut request).await? == 0 {
            return Err("no opening handshake".into());
        }
    }
    let request = String::from_utf8(request)?;
    let key = request
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .ok_or("no Sec-WebSocket-Key")?;
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
        STANDARD.encode(digest)
    );
    stream.write_all(response.as_bytes()).await?;
    Ok(())
}
