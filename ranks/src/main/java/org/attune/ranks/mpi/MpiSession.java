package org.attune.ranks.mpi;

import org.attune.ranks.Collective;
import org.attune.ranks.HostName;
import org.attune.ranks.Launched;
import org.attune.ranks.RankAgreement;
import org.attune.ranks.RankBackend;
import org.attune.ranks.RankSession;
import org.attune.ranks.RankSum;
import org.attune.ranks.ServingCollective;
import org.attune.ranks.launch.RankJob;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/// One of several processes that a launcher of MPI started.
final class MpiSession implements RankSession {
    private static final Logger LOG = LoggerFactory.getLogger(MpiSession.class);

    private static final int ABORT_SECONDS = 5;

    /// What launchers leave on other machines to start ranks there.
    private static final Pattern LAUNCHERS_PART =
            Pattern.compile("/(orted|prted|hydra_pmi_proxy|hydra_bstrap_proxy)$");

    private final MpiCollective mpi;
    private final RankSum sum;
    private Collective ranks;
    private volatile Optional<NcclCollective> nccl = Optional.empty();
    private Optional<RankWatch> watch = Optional.empty();

    /// Joins the others.
    ///
    /// @throws org.attune.error.CollectiveException if they can't be found
    MpiSession(Launched launched, RankSum sum) {
        mpi = Engine.call(() -> MpiCollective.join(launched, System.getenv(), sum));
        this.sum = sum;
        ranks = mpi;
    }

    @Override
    public Collective ranks() {
        return ranks;
    }

    @Override
    public String place() {
        return mpi.place().text();
    }

    @Override
    public void agree(Supplier<Map<String, String>> facts) {
        Map<String, String> own = facts.get();
        Engine.run(() -> RankAgreement.require(mpi, own));
        warnOfCores();
    }

    /// Says, once a machine, when its ranks compute with more threads than it has cores for them.
    private void warnOfCores() {
        int threads = Engine.call(Engine::threads);
        int cores = Runtime.getRuntime().availableProcessors();
        if (mpi.local() == 0 && threads > 1 && threads * mpi.neighbours() > cores) {
            LOG.warn(
                    "{} ranks with {} threads each on {} cores: OMP_NUM_THREADS says how many"
                            + " threads a rank has",
                    mpi.neighbours(),
                    threads,
                    cores);
        }
    }

    @Override
    public void watch(Path outputDir, Duration limit, Consumer<String> end) {
        Optional<ProcessHandle> parent = ProcessHandle.current().parent();
        Optional<ProcessHandle> starter = starter();
        watch =
                Optional.of(
                        new RankWatch(
                                mpi,
                                mpi.place(),
                                new RankMarks(outputDir.resolve(".ranks")),
                                limit,
                                () ->
                                        ProcessHandle.current().parent().equals(parent)
                                                && starter.map(ProcessHandle::isAlive).orElse(true),
                                end));
    }

    /// The process that started the launcher, if it was a [RankJob] on this machine.
    private static Optional<ProcessHandle> starter() {
        String[] words = System.getenv().getOrDefault(RankJob.STARTER, "").split("@", 2);
        return words.length == 2 && words[0].matches("\\d+") && words[1].equals(HostName.own())
                ? ProcessHandle.of(Long.parseLong(words[0]))
                : Optional.empty();
    }

    @Override
    public void carry(Supplier<Device> device, Optional<RankBackend> backend, boolean parts) {
        RankCarrier carrier = Engine.call(() -> RankCarrier.join(mpi, device.get(), backend, sum));
        ranks = parts ? new ServingCollective(carrier.ranks()) : carrier.ranks();
        nccl = carrier.nccl();
        if (ranks.writes()) {
            carrier.said().ifPresent(LOG::warn);
        }
    }

    @Override
    public void abandon() {
        nccl.ifPresent(gpus -> within(ABORT_SECONDS, gpus::abort));
        // Where the network is cut, the launcher's part on this machine waits for its other part.
        ProcessHandle.current()
                .parent()
                .filter(parent -> LAUNCHERS_PART.matcher(parent.info().command().orElse("")).find())
                .ifPresent(ProcessHandle::destroyForcibly);
    }

    @Override
    public void abort(int code) {
        // If the engine is busy, the launcher ends the others when this process has ended.
        within(ABORT_SECONDS, () -> Engine.run(() -> mpi.abort(code)));
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

    @Override
    public void leave() {
        watch.ifPresent(RankWatch::close);
        Engine.run(
                () -> {
                    mpi.barrier("the end");
                    ranks.close();
                });
    }
}
