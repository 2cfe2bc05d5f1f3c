package org.attune.agents.mcp;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.TimeoutException;

/// How messages of JSON-RPC 2.0 reach a server. Thread-safe: requests of several threads are under
/// way at once.
interface McpChannel extends AutoCloseable {
    /// Sends a request, once, and waits for its answer.
    ///
    /// @return the message that answers: with `result` or `error`
    /// @throws IOException if the server is gone, or answers no JSON-RPC
    /// @throws TimeoutException if no answer came in time; the server is told
    Map<String, Object> request(String method, Map<String, Object> parameters)
            throws IOException, TimeoutException, InterruptedException;

    /// Sends a message that has no answer.
    void tell(String method, Map<String, Object> parameters)
            throws IOException, TimeoutException, InterruptedException;

    /// Which version of the protocol was agreed upon.
    default void agreed(String version) {}

    @Override
    void close();
}
