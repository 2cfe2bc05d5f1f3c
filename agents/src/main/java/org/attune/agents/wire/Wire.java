package org.attune.agents.wire;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.TimeoutException;

/// A connection to who serves tools or an environment. Thread-safe.
interface Wire extends AutoCloseable {
    /// Asks as any generation does.
    int ANY = 0;

    /// Asks, once.
    ///
    /// @param request JSON values
    /// @param generation [Reply#generation] of an earlier reply, if what the other side knew then
    ///     matters now; else [#ANY]
    /// @throws IOException if the other side is gone, answers nothing sensible or says that it
    ///     failed
    /// @throws TimeoutException if no answer came in time
    Reply ask(Map<String, Object> request, int generation)
            throws IOException, TimeoutException, InterruptedException;

    @Override
    void close();

    /// An answer.
    ///
    /// @param fields JSON values
    /// @param generation ≥ 1; another one once the other side has begun anew and forgotten
    record Reply(Map<String, Object> fields, int generation) {}
}
