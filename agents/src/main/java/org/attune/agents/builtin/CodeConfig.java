package org.attune.agents.builtin;

import org.attune.agents.sandbox.SandboxConfig;
import org.attune.error.ConfigException;
import org.attune.records.CopyMethods;

import java.time.Duration;

/// How code is run.
///
/// @param sandbox its limits and guarantees
/// @param timeout of one call; a call that takes longer is ended, and the model reads so
/// @param maxOutput characters of output that the model reads, at least 100; of more the middle is
///     left out, with a notice
/// @param isSession whether an interpreter lives through an episode, so that variables stay from
///     one call to the next; files stay in either case
@CopyMethods
record CodeConfig(SandboxConfig sandbox, Duration timeout, int maxOutput, boolean isSession)
        implements CodeConfigCopies {
    private static final int LEAST_OUTPUT = 100;

    /// 10 seconds, 4096 characters, no session.
    public static final CodeConfig DEFAULTS =
            new CodeConfig(SandboxConfig.DEFAULTS, Duration.ofSeconds(10), 4096, false);

    public CodeConfig {
        if (!timeout.isPositive()) {
            throw new ConfigException("'timeout' of code must be positive, got " + timeout);
        }
        if (maxOutput < LEAST_OUTPUT) {
            throw new ConfigException(
                    "'max_output' of code must be at least %d characters, got %d"
                            .formatted(LEAST_OUTPUT, maxOutput));
        }
    }
}
