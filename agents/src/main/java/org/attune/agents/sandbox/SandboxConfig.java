package org.attune.agents.sandbox;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.records.CopyMethods;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/// Within which limits programs run.
///
/// @param memory bytes of each process, at least 64 MiB; all processes of a program together may
///     take twice as much
/// @param processes of a program at once, at least 1
/// @param disk bytes of an episode's files, at least 1 MiB. They lie in memory where the system
///     gives an episode files alone
/// @param require guarantees without which nothing is run
/// @param read files and folders that may be read besides the system's programs and libraries
@Api(EXPERIMENTAL)
@CopyMethods
public record SandboxConfig(
        long memory, int processes, long disk, Set<Guarantee> require, List<Path> read)
        implements SandboxConfigCopies {
    private static final long MIB = 1L << 20;
    private static final long LEAST_MEMORY = 64 * MIB;

    /// 512 MiB of memory, 32 processes, 256 MiB of disk; all is required.
    public static final SandboxConfig DEFAULTS =
            new SandboxConfig(512 * MIB, 32, 256 * MIB, Guarantee.all(), List.of());

    public SandboxConfig {
        require = require.isEmpty() ? EnumSet.noneOf(Guarantee.class) : EnumSet.copyOf(require);
        read = List.copyOf(read);
        if (memory < LEAST_MEMORY) {
            throw new ConfigException(
                    "'memory' of a sandbox is %d bytes; at least 64 MiB are needed to start a program"
                            .formatted(memory));
        }
        if (processes < 1) {
            throw new ConfigException(
                    "'processes' of a sandbox is %d; a program is at least 1".formatted(processes));
        }
        if (disk < MIB) {
            throw new ConfigException(
                    "'disk' of a sandbox is %d bytes; at least 1 MiB is needed".formatted(disk));
        }
    }
}
