package org.attune.board;

import org.attune.records.CopyMethods;
import org.attune.serve.ServeConfig;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// What a board shows, and what it may do.
///
/// @param roots folders below which runs are looked for, at least one
/// @param host address that is listened at
/// @param port 0 takes a free one
/// @param allowedHosts names in the `Host` of requests besides `localhost`, as behind a proxy
/// @param model a model that the board opens to chat with; unset: none
/// @param server base URL of a running server to chat with, `http://localhost:8000/v1` for one
/// @param serverKey key that the server wants
/// @param answers file of rows with several answers each, to be judged; unset: recorded rounds of
///     runs alone can be judged
/// @param pairs file of JSON lines to which preferences are added
/// @param feedback store of answers and judgements whose history is shown; unset: none is
/// @param startsRuns whether requests may start runs
/// @param startsPrograms whether runs that requests start may start further programs
@CopyMethods
public record BoardConfig(
        List<Path> roots,
        String host,
        int port,
        List<String> allowedHosts,
        Optional<ServeConfig> model,
        Optional<URI> server,
        Optional<String> serverKey,
        Optional<Path> answers,
        Path pairs,
        Optional<String> feedback,
        boolean startsRuns,
        boolean startsPrograms)
        implements BoardConfigCopies {
    public BoardConfig {
        roots = List.copyOf(roots);
        allowedHosts = List.copyOf(allowedHosts);
    }

    /// A board for this machine alone that starts nothing, at port 8080.
    public static BoardConfig of(List<Path> roots) {
        return new BoardConfig(
                roots,
                "127.0.0.1",
                8080,
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Path.of("pairs.jsonl"),
                Optional.empty(),
                false,
                false);
    }
}
