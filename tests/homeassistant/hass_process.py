"""Home Assistant as a process that tells on its standard output how it is, one JSON object a line.

`python hass_process.py FOLDER` runs the configuration of that folder; this is the only file that imports
`homeassistant`. What it tells:

    {"ready": true}             it has started
    {"state": {…}}              a state has changed; with `state: null` the entity is gone
    {"entities": [{…}]}         the entity registry, whenever it has changed
    {"log": {…}}                a warning or an error was logged
    {"answer": null | "error"}  the service that a line on its standard input named was called:
                                {"domain": …, "service": …, "service_data": {…}}

It ends when its standard input is closed.
"""

import asyncio
import json
import logging
import sys
import threading
from typing import Any

from homeassistant import bootstrap
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED, EVENT_STATE_CHANGED
from homeassistant.core import Event, HomeAssistant, State, callback
from homeassistant.helpers import entity_registry
from homeassistant.runner import RuntimeConfig

_one_at_a_time = threading.Lock()


def tell(**what: Any) -> None:
    """Write a line."""
    with _one_at_a_time:
        print(json.dumps(what, default=str), flush=True)  # noqa: T201 - the way to the test


class TellingHandler(logging.Handler):
    """Tells of warnings and errors."""

    def emit(self, record: logging.LogRecord) -> None:
        tell(log={"logger": record.name, "level": record.levelname, "text": record.getMessage()})


def _tell_state(entity_id: str, state: State | None) -> None:
    if state is None:
        tell(state={"entity_id": entity_id, "state": None, "attributes": {}})
    else:
        tell(state={"entity_id": entity_id, "state": state.state, "attributes": dict(state.attributes)})


def _tell_entities(hass: HomeAssistant) -> None:
    registered = entity_registry.async_get(hass).entities.values()
    tell(entities=[{"entity_id": entry.entity_id, "name": entry.original_name} for entry in registered])


def _watch(hass: HomeAssistant) -> None:
    """Tell how everything is now, and from now on what changes."""

    @callback
    def on_state(event: Event[Any]) -> None:
        _tell_state(event.data["entity_id"], event.data["new_state"])

    @callback
    def on_registry(_: Event[Any]) -> None:
        _tell_entities(hass)

    @callback
    def on_started(_: Event[Any]) -> None:
        tell(ready=True)

    _tell_entities(hass)
    for state in hass.states.async_all():
        _tell_state(state.entity_id, state)
    hass.bus.async_listen(EVENT_STATE_CHANGED, on_state)
    hass.bus.async_listen(entity_registry.EVENT_ENTITY_REGISTRY_UPDATED, on_registry)
    hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STARTED, on_started)


async def _call(hass: HomeAssistant, line: str) -> None:
    try:
        await hass.services.async_call(**json.loads(line), blocking=True)
    except Exception as error:  # noqa: BLE001 - whatever it is, the test is told
        tell(answer=f"{type(error).__name__}: {error}")
    else:
        tell(answer=None)


def _take_calls(hass: HomeAssistant) -> None:
    for line in sys.stdin:
        asyncio.run_coroutine_threadsafe(_call(hass, line), hass.loop)
    asyncio.run_coroutine_threadsafe(hass.async_stop(), hass.loop)


async def _serve(folder: str) -> int:
    # A frontend, backups and the like need packages that have nothing to do with our messages.
    bootstrap.DEFAULT_INTEGRATIONS = set()
    bootstrap.CRITICAL_INTEGRATIONS = set()
    hass = await bootstrap.async_setup_hass(RuntimeConfig(folder, skip_pip=True, log_no_color=True))
    if hass is None:
        return 1
    _watch(hass)
    threading.Thread(target=_take_calls, args=(hass,), daemon=True).start()
    return await hass.async_run(attach_signals=False)


if __name__ == "__main__":
    logging.getLogger().addHandler(TellingHandler(logging.WARNING))
    sys.exit(asyncio.run(_serve(sys.argv[1])))
