package org.attune.ranks;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.CollectiveException;
import org.attune.error.ConfigException;
import org.attune.tensor.Device;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/// This process among those of its job. Call [#agree], [#watch] and [#carry], train with [#ranks],
/// and [#leave]; a rank that fails [ends][#abort] the others. What a method does by default is what
/// the only process of a run needs, which has nobody to wait for.
@Api(EXPERIMENTAL)
public interface RankSession {
    /// Joins the others, if a launcher started this process with some.
    ///
    /// @param sum how numbers of the ranks are added
    /// @throws ConfigException if there are others, and the module attune-ranks is missing
    /// @throws CollectiveException if they can't be found
    static RankSession open(RankSum sum) {
        return Launched.by(System.getenv())
                .filter(Launched::isParallel)
                .map(launched -> join(launched, sum))
                .orElseGet(RankSession::alone);
    }

    private static RankSession join(Launched launched, RankSum sum) {
        String asker =
                "a launcher started this process as rank %d of %d"
                        .formatted(launched.rank(), launched.size());
        return RankProvider.find(asker).join(launched, sum);
    }

    /// The only process.
    static RankSession alone() {
        var one = new SingleProcess();
        return () -> one;
    }

    /// The processes of the run.
    Collective ranks();

    /// Where this rank stands, in words; empty in a run of one process. Other threads may ask.
    default String place() {
        return "";
    }

    /// Compares what ranks must have alike: the program and the settings as they were understood.
    ///
    /// @param facts by name; asked for where there are others
    /// @throws CollectiveException if one has something else
    default void agree(Supplier<Map<String, String>> facts) {}

    /// Begins to watch that this rank doesn't wait for ever.
    ///
    /// @param outputDir folder of the run, which all ranks see
    /// @param limit of a call between ranks
    /// @param end is told why, on another thread, and ends the process after [#abandon]
    default void watch(Path outputDir, Duration limit, Consumer<String> end) {}

    /// Chooses what carries numbers between the ranks' devices, and logs what a user should know of
    /// the choice.
    ///
    /// @param device where this rank computes; asked for where there are others
    /// @param backend what is to carry them; empty: the best that all ranks have
    /// @param parts whether each rank holds a part of the weights
    /// @throws ConfigException if what the run asks for can't be had
    default void carry(Supplier<Device> device, Optional<RankBackend> backend, boolean parts) {}

    /// Breaks off what this process waits for, and what waits for this process on its machine.
    default void abandon() {}

    /// Ends the other ranks after a failure of this one, and this one with them.
    ///
    /// @param code that the launcher ends with, 1 to 125
    default void abort(int code) {}

    /// Leaves, when all are done. All ranks make this call.
    default void leave() {}
}
