/// Tools and environments that are somewhere else: programs that speak in lines of JSON, and
/// servers that are posted the same objects.
/// ```
/// {"list": true}                         {"tools": [{"name", "description", "parameters"}],
///                                         "answers": ["step", "reward", "close"]}
/// {"episode": "0.3.0", "turn": 1,        {"result": …}, {"refused": "why"} or {"done": …}
///  "call": {"name", "arguments"}}
/// {"episode", "reset": {row},            {"result": text or null} or {"messages": […]}
///  "seed", "member"}
/// {"episode", "turn",                    {"result": text, "reward": 0},
///  "step": {"content", "message"}}       {"messages": […], "reward": 0} or
///                                        {"done": true, "reward": 1}
/// {"episode",                            {"reward": number or null, "state": {…}}
///  "reward": {"end", "messages"}}
/// {"episode", "close": true}             {"result": null}
/// ```
/// `{"error": "why"}` says that the world failed. `step`, `reward` and `close` are asked of those
/// only that name them in `answers`. An episode is named by its round, its place in the round, and
/// how often it was begun before.
package org.attune.agents.wire;
