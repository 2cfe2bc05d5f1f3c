package org.attune.ranks;

import org.attune.error.CollectiveException;
import org.attune.error.ConfigException;

import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.function.Consumer;

/// Starts the processes of a run, and joins them to ranks. A jar brings one by
/// `META-INF/services/org.attune.ranks.RankProvider`: `attune-ranks` that of MPI.
public interface RankProvider {
    /// Processes that were started.
    interface Job {
        /// Waits for the end.
        ///
        /// @return the launcher's exit code
        int await() throws InterruptedException;

        /// Asks the ranks to stop after this step; asked again, ends them.
        void stop();

        /// Whether the ranks were asked to stop.
        boolean isStopping();

        /// Ends the launcher, which ends the ranks with itself.
        void end();

        /// Which rank ended the job and how, in a sentence; empty if none is known.
        String reason();
    }

    /// The one on the class path.
    ///
    /// @param asker what needs it, for the error
    /// @throws ConfigException if there is none
    static RankProvider find(String asker) {
        return ServiceLoader.load(RankProvider.class, RankProvider.class.getClassLoader())
                .findFirst()
                .orElseThrow(
                        () ->
                                new ConfigException(
                                        ("%s: several ranks need the module attune-ranks, which is"
                                             + " not on the class path. Add its jar to the others"
                                             + " of Attune, or run one process")
                                                .formatted(asker)));
    }

    /// Starts processes that share a run.
    ///
    /// @param ranks how many
    /// @param hosts machines to start them on, `node0:8,node1:8`; empty: this one
    /// @param program that each runs, with its arguments
    /// @param variables further ones of its environment
    /// @param lines gets what launcher and ranks write to their standard error
    /// @throws ConfigException if there is no launcher, or it can't start them
    Job start(
            int ranks,
            String hosts,
            List<String> program,
            Map<String, String> variables,
            Consumer<String> lines);

    /// Joins the others that a launcher started with this process, once in a process.
    ///
    /// @param sum how numbers of the ranks are added
    /// @throws CollectiveException if they can't be found
    RankSession join(Launched launched, RankSum sum);

    /// Joins the others, and measures how fast they are together. On the engine thread, on all
    /// ranks.
    ///
    /// @param mebibytes moved by each
    /// @param lines gets who is there, and a line for each kind of work
    /// @throws CollectiveException if the others can't be found
    void measure(Launched launched, int mebibytes, Consumer<String> lines);

    /// The launcher that this machine has, in words.
    ///
    /// @throws ConfigException if there is none
    String launcher();
}
