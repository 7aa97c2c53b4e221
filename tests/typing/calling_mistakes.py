"""Mistakes in calls that both type checkers report: each comment is an error itself where there is nothing to ignore.

Nothing here is run; see mistakes.py.
"""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true, reportUnusedVariable=false

from __future__ import annotations

from satchel.calling import App, AsyncResult, Task

app = App("shop", broker="memory://")


@app.task
def add(x: int, y: int = 1) -> int:
    return x + y


@app.task(name="shop.greet", bind=True)
def greet(self: Task[[str], str], name: str) -> str:
    return f"{self.name}: {name}"


number: AsyncResult[int] = add.delay(1, 2)
named: AsyncResult[int] = add.delay(1, y=2)
by_default: AsyncResult[int] = add.delay(1)
text: AsyncResult[str] = greet.delay("you")
value: int = add(1, 2)


@app.task(name="shop.tried", bind=True, max_retries=3, autoretry_for=(OSError,), acks_late=True, priority=3)
def tried(self: Task[[int], int], x: int) -> int:
    return x


again: AsyncResult[int] = tried.delay(1)
got: int = add.delay(1, 2).get(timeout=3)
later: AsyncResult[int] = add.apply_async((1, 2), countdown=3, queue="q", retry_policy={"max_retries": 1})
with_options: AsyncResult[int] = add.using(priority=3).delay(1, 2)
described: AsyncResult[int] = add.s(1).apply_async((2,))


async def soon() -> int:
    return await (await add.adelay(1, 2))


add.delay("1", 2)  # type: ignore[arg-type]
add.delay()  # type: ignore[call-arg]
add.delay(1, z=2)  # type: ignore[call-arg]
add.using(priority=3).delay("1")  # type: ignore[arg-type]
greet.delay(1)  # type: ignore[arg-type]
add.apply_async((1, 2), countdwn=3)  # type: ignore[call-arg]
add.apply_async((1, 2), countdown="3")  # type: ignore[arg-type]
wrong: AsyncResult[str] = add.delay(1, 2)  # type: ignore[assignment]
app.task(name="x", prioriti=3)  # type: ignore[call-overload]
app.task(name="x", acks_late=True, priority="3")  # type: ignore[call-overload]
app.remote("x", acks_late=True)  # type: ignore[call-arg]
tried.delay("1")  # type: ignore[arg-type]
