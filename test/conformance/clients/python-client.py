"""Python's websockets, as it comes: cases on standard input as JSON, what was seen of them on standard output."""

import asyncio
import json
import sys

import websockets


def summary(message):
    return message[:20] if isinstance(message, str) else f"{len(message)} bytes"


async def observe(case, limit):
    seen = {"opened": False, "messages": [], "error": None, "code": None, "isEarly": True, "answers": None}
    async with limit:
        try:
            peer = await asyncio.wait_for(websockets.connect(case["url"]), 10)
        except Exception as error:
            seen["error"] = str(error) or repr(error)
            return seen
        seen["opened"] = True
        await follow(peer, case, seen)
        seen["code"] = peer.close_code
        peer.transport.abort()
    return seen


async def follow(peer, case, seen):
    messages = seen["messages"]

    async def read():
        try:
            while True:
                messages.append(summary(await peer.recv()))
        except Exception as error:
            seen["error"] = str(error) or repr(error)

    reader = asyncio.create_task(read())
    try:
        for text in case["sends"]:
            await peer.send(text)
    except websockets.ConnectionClosed:
        pass
    count = -1
    while not reader.done() and count != len(messages):
        count = len(messages)
        await asyncio.wait([reader], timeout=case["quietMs"] / 1000)
    if reader.done():
        return
    seen["isEarly"] = False
    try:
        await asyncio.wait_for(peer.send(case["probe"]), 1)
        await asyncio.wait([reader], timeout=1)
        seen["answers"] = case["probe"] in messages
        await asyncio.wait_for(peer.close(), case["endMs"] / 1000)
    except (TimeoutError, websockets.ConnectionClosed) as error:
        seen["error"] = str(error) or "closing takes too long"
    await asyncio.wait([reader], timeout=1)
    reader.cancel()


async def main():
    cases = json.load(sys.stdin)
    limit = asyncio.Semaphore(12)
    seen = await asyncio.gather(*(observe(case, limit) for case in cases))
    print(json.dumps({case["name"]: one for case, one in zip(cases, seen)}))


if len(sys.argv) > 1:
    print(websockets.__version__)
else:
    asyncio.run(main())
