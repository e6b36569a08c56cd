"""A stand-in for the library of this name that document 3's Python client imports: Server-Sent Events from a response.

Written for the tests of this repository from the HTML standard's description of the stream; in no Debian package.
"""


class Event:
    def __init__(self):
        self.id = None
        self.event = "message"
        self.data = ""
        self.retry = None


class SSEClient:
    def __init__(self, event_source, char_enc="utf-8"):
        self._source, self._encoding = event_source, char_enc

    def _lines(self):
        rest = b""
        for chunk in self._source:
            rest += chunk
            while b"\n" in rest:
                line, rest = rest.split(b"\n", 1)
                yield line.rstrip(b"\r").decode(self._encoding)
        if rest:
            yield rest.decode(self._encoding)

    def events(self):
        event, lines = Event(), []
        for line in self._lines():
            if not line:
                if lines:
                    event.data = "\n".join(lines)
                    yield event
                event, lines = Event(), []
                continue
            field, _, value = line.partition(":")
            value = value[1:] if value.startswith(" ") else value
            if field == "data":
                lines.append(value)
            elif field == "event":
                event.event = value
            elif field == "id":
                event.id = value
            elif field == "retry" and value.isdigit():
                event.retry = int(value)

    def close(self):
        self._source.close()
