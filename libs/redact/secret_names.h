// What the rules of the whole-text and the streaming redactor share. Internal to libs/redact.
#pragma once

// Names whose value is a secret, as they end a key: "db_password", "LLM_API_KEY", "client-secret",
// "accessToken".
#define OPSMESH_SECRET_NAMES                                                                       \
  "(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_.-]?key|apikey|access[_.-]?key(?:[_.-]?(?:id|" \
  "secret))?|"                                                                                     \
  "secret[_.-]?key|private[_.-]?key|signing[_.-]?key|encrypt(?:ion)?[_.-]?key|auth[_.-]?key|"      \
  "account[_.-]?key|"                                                                              \
  "credentials?|client[_.-]?secret|app[_.-]?secret|webhook[_.-]?secret|access[_.-]?token|"         \
  "connection[_.-]?string)"
