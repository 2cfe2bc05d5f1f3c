package org.attune.cli;

import org.attune.cli.launch.HostName;
import org.attune.cli.launch.RankJob;
import org.attune.ranks.Collective;
import org.attune.ranks.Launched;
import org.attune.ranks.MpiCollective;
import org.attune.ranks.NcclCollective;
import org.attune.ranks.RankAgreement;
import org.attune.ranks.RankCarrier;
import org.attune.ranks.RankMarks;
import org.attune.ranks.RankSum;
import org.attune.ranks.RankWatch;
import org.attune.ranks.ServingCollective;
import org.attune.ranks.SingleProcess;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.trainers.config.RanksConfig;
import org.attune.trainers.loop.StopSignal;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/// A training command as one of several processes, or as the only one: joins the others, watches
/// that none waits for ever, and leaves together with them.
final class RankSession {
    private static final Logger LOG = LoggerFactory.getLogger(RankSession.class);

    /// So long other ranks keep back what they failed with, which is mostly what rank 0 says.
    private static final int OTHERS_WAIT_MILLIS = 2000;

    private static final int ABORT_SECONDS = 5;

    /// A collective that took too long; others may do the same again. As `EX_TEMPFAIL`.
    private static final int GAVE_UP = 75;

    /// What launchers leave on other machines to start ranks there.
    private static final Pattern LAUNCHERS_PART =
            Pattern.compile("/(orted|prted|hydra_pmi_proxy|hydra_bstrap_proxy)$");

    private final Optional<MpiCollective> mpi;
    private Collective ranks;
    private volatile Optional<NcclCollective> nccl = Optional.empty();
    private Optional<RankWatch> watch = Optional.empty();

    private RankSession(Optional<MpiCollective> mpi) {
        this.mpi = mpi;
        ranks = mpi.<Collective>map(joined -> joined).orElseGet(SingleProcess::new);
    }

    /// The only process.
    static RankSession alone() {
        return new RankSession(Optional.empty());
    }

    /// Joins the others, if a launcher started this process with some.
    ///
    /// @throws org.attune.error.CollectiveException if they can't be found
    static RankSession open(RankSum sum) {
        Map<String, String> environment = System.getenv();
        return new RankSession(
                Launched.by(environment)
                        .filter(Launched::isParallel)
                        .map(
                                launched ->
                                        Engine.call(
                                                () ->
                                                        MpiCollective.join(
                                                                launched, environment, sum))));
    }

    Collective ranks() {
        return ranks;
    }

    /// Where this rank stands, in words; empty in a run of one process.
    String place() {
        return mpi.map(joined -> joined.place().text()).orElse("");
    }

    /// Begins to watch over the run.
    ///
    /// @param outputDir folder of the run, which all ranks see
    /// @param limit of a call between ranks
    void watch(Path outputDir, Duration limit) {
        Optional<ProcessHandle> parent = ProcessHandle.current().parent();
        Optional<ProcessHandle> starter = starter();
        watch =
                mpi.map(
                        joined ->
                                new RankWatch(
                                        joined,
                                        joined.place(),
                                        new RankMarks(outputDir.resolve(".ranks")),
                                        limit,
                                        () ->
                                                ProcessHandle.current().parent().equals(parent)
                                                        && starter.map(ProcessHandle::isAlive)
                                                                .orElse(true),
                                        this::giveUp));
    }

    /// Chooses what carries numbers between the ranks' devices, and says so where a user should
    /// know.
    ///
    /// @param device where this rank computes
    /// @throws org.attune.error.ConfigException if what the run asks for can't be had
    void carry(Supplier<Device> device, RanksConfig config) {
        mpi.ifPresent(
                joined -> {
                    RankCarrier carrier =
                            Engine.call(
                                    () ->
                                            RankCarrier.join(
                                                    joined,
                                                    device.get(),
                                                    config.ddpBackend(),
                                                    config.ranksSum()));
                    ranks =
                            config.partsWeights()
                                    ? new ServingCollective(carrier.ranks())
                                    : carrier.ranks();
                    nccl = carrier.nccl();
                    if (ranks.writes()) {
                        carrier.said().ifPresent(LOG::warn);
                    }
                });
    }

    /// The process that was called with `--ranks`, if it is on this machine.
    private static Optional<ProcessHandle> starter() {
        String[] words = System.getenv().getOrDefault(RankJob.STARTER, "").split("@", 2);
        return words.length == 2 && words[0].matches("\\d+") && words[1].equals(HostName.own())
                ? ProcessHandle.of(Long.parseLong(words[0]))
                : Optional.empty();
    }

    private void giveUp(String reason) {
        System.err.println("attune: " + reason);
        System.err.flush();
        nccl.ifPresent(gpus -> within(ABORT_SECONDS, gpus::abort));
        // Where the network is cut, the launcher's part on this machine waits for its other part.
        ProcessHandle.current()
                .parent()
                .filter(parent -> LAUNCHERS_PART.matcher(parent.info().command().orElse("")).find())
                .ifPresent(ProcessHandle::destroyForcibly);
        Runtime.getRuntime().halt(GAVE_UP);
    }

    /// Compares what ranks must have alike: the program and the settings as they were understood.
    ///
    /// @param facts asked for where there are others
    /// @throws org.attune.error.CollectiveException if one has something else
    void agree(Supplier<Map<String, String>> facts) {
        mpi.ifPresent(
                joined -> {
                    Map<String, String> own = facts.get();
                    Engine.run(() -> RankAgreement.require(joined, own));
                    warnOfCores(joined);
                });
    }

    /// Says, once a machine, when its ranks compute with more threads than it has cores for them.
    private static void warnOfCores(MpiCollective joined) {
        int threads = Engine.call(Engine::threads);
        int cores = Runtime.getRuntime().availableProcessors();
        if (joined.local() == 0 && threads > 1 && threads * joined.neighbours() > cores) {
            LOG.warn(
                    "{} ranks with {} threads each on {} cores: OMP_NUM_THREADS says how many"
                            + " threads a rank has",
                    joined.neighbours(),
                    threads,
                    cores);
        }
    }

    /// The options by which the ranks were asked for, as words of a command line.
    List<String> options() {
        String options = System.getenv().getOrDefault(RankJob.OPTIONS, "");
        return mpi.isEmpty() || options.isEmpty()
                ? List.of()
                : new ArrayList<>(List.of(options.split(" +")));
    }

    /// Lets the launcher's wish to stop reach the run: `kill -USR1` of `mpirun` reaches all ranks.
    SignalHook heed(StopSignal stop) {
        return mpi.isPresent() ? SignalHook.on("USR1", stop::request) : SignalHook.none();
    }

    /// Leaves, when all are done.
    void leave() {
        watch.ifPresent(RankWatch::close);
        mpi.ifPresent(
                joined ->
                        Engine.run(
                                () -> {
                                    joined.barrier("the end");
                                    ranks.close();
                                }));
    }

    /// A rank that ends with another code than 0 would have the others killed, which may still be
    /// writing; what `--ranks` started knows that it asked them to stop.
    int exitCode(int code) {
        return mpi.isPresent() && code == ExitCodes.INTERRUPTED ? ExitCodes.DONE : code;
    }

    /// Lets rank 0 speak first.
    void failed() {
        if (mpi.isPresent() && ranks.rank() > 0) {
            try {
                Thread.sleep(OTHERS_WAIT_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /// Ends the other ranks after a failure of this one.
    void endOthers(int code) {
        mpi.ifPresent(joined -> abort(joined, code));
    }

    private static void abort(MpiCollective joined, int code) {
        // If the engine is busy, the launcher ends the others when this process has ended.
        within(ABORT_SECONDS, () -> Engine.run(() -> joined.abort(code)));
    }

    /// Does what may never come back, elsewhere.
    private static void within(int seconds, Runnable work) {
        try {
            CompletableFuture.runAsync(work).get(seconds, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            LOG.debug("the work of ranks can't be ended", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
