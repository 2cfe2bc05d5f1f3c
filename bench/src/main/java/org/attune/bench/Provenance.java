package org.attune.bench;

import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// Where a result comes from.
///
/// @param date in UTC, to the second
/// @param commit of the sources, with `+` if they were changed
/// @param versions of Attune, what it runs on, and the peer
public record Provenance(String date, String commit, Map<String, String> versions) {
    /// What the peers' scripts import.
    private static final String ASK_VERSIONS =
            """
            import importlib.metadata as m
            for name in ("trl", "transformers", "peft", "torch", "llama-cpp-python"):
                try: print(name, m.version(name))
                except m.PackageNotFoundError: pass
            """;

    /// The provenance of a result that is made now, in the working directory.
    ///
    /// @param own versions of Attune and what it runs on
    public static Provenance now(Map<String, String> own, Optional<Peer> peer) {
        Map<String, String> versions = new LinkedHashMap<>(own);
        peer.ifPresent(
                p ->
                        Programs.line(here(), p.python().toString(), "-c", ASK_VERSIONS)
                                .lines()
                                .map(line -> line.split(" ", 2))
                                .filter(parts -> parts.length == 2)
                                .forEach(parts -> versions.put(parts[0], parts[1])));
        return new Provenance(
                Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
                currentCommit(),
                versions);
    }

    private static Path here() {
        return Path.of("").toAbsolutePath();
    }

    private static String currentCommit() {
        String commit = Programs.line(here(), "git", "rev-parse", "--short=12", "HEAD");
        if (commit.isEmpty()) {
            return "unknown";
        }
        // The history changes with every result.
        String changed =
                Programs.line(
                        here(), "git", "status", "--porcelain", "-uno", ".", ":!bench/history");
        return changed.isEmpty() ? commit : commit + "+";
    }
}
