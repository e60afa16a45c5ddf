"""An endpoint that does nothing: what FastAPI itself costs."""

from fastapi import FastAPI

app = FastAPI()


@app.post("/nothing")
async def nothing() -> dict[str, str]:
    """Nothing."""
    return {"answer": "nothing"}
