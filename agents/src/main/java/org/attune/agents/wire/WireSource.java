package org.attune.agents.wire;

import org.attune.http.JsonPost;
import org.attune.program.LineProgram;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Where a run finds tools or an environment.
sealed interface WireSource {
    /// A new connection. Nothing is started before it is asked.
    Wire connect();

    /// A program.
    ///
    /// @param environment its variables beside those of this process
    /// @param timeout of one answer
    record Program(
            List<String> command, Path directory, Map<String, String> environment, Duration timeout)
            implements WireSource {
        @Override
        public Wire connect() {
            return new ProgramWire(command, directory, environment, timeout);
        }
    }

    /// A server.
    ///
    /// @param timeout of one answer
    /// @param key sent as bearer token
    record Server(URI url, Duration timeout, Optional<String> key) implements WireSource {
        @Override
        public Wire connect() {
            return new HttpWire(new JsonPost(url, timeout, LineProgram.LONGEST_ANSWER, key));
        }
    }
}
