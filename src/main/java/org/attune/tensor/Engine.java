package org.attune.tensor;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.EngineWait;
import org.attune.error.StopRequest;
import org.attune.error.TaskResult;
import org.attune.tensor.library.LibtorchLoader;
import org.attune.tensor.library.LibtorchSearch;
import org.attune.tensor.library.LoadedLibtorch;
import org.attune.tensor.vector.KernelThreads;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/// libtorch in this process, and the one thread that may touch tensors.
///
/// Grad mode, the OpenMP team and the malloc arena belong to a thread,
/// so all tensor work runs on one platform thread. Call [#run] or [#call] from anywhere; inside,
/// nested calls run at once.
@Api(EXPERIMENTAL)
public final class Engine {
    /// glibc makes eight arenas a core; more attempts are pointless.
    private static final int MOST_ARENAS = 8 * Runtime.getRuntime().availableProcessors() + 2;

    private static final Logger LOG = LoggerFactory.getLogger(Engine.class);
    private static final String WITHDRAWN = "interrupted while waiting for the engine thread";

    private static final Pattern WITH_BFLOAT16 =
            Pattern.compile("(?i)all|default|.*(bf16|fp16|amx|avx10).*");
    private static final String TILES = "amx_bf16";

    // What decides about libtorch's threads; read and written on the engine thread.
    private static boolean suited; // to models in use
    private static boolean largeModel; // one of which wants all cores
    private static boolean besideOthers; // which have cores to themselves

    // Set at the start, on the engine thread.
    private static NativeOps ops;
    private static StableShim shim; // null with DJL's libtorch

    private static volatile boolean startsAhead;
    private static volatile boolean generates;

    private Engine() {}

    /// What starts once, at first use or ahead of it.
    private static final FutureTask<Started> START = new FutureTask<>(Engine::startUp);

    private record Started(ExecutorService executor, LoadedLibtorch libtorch) {}

    /// Begins to start the engine on another thread, unless it was begun before. The first use of
    /// the engine reports a failure.
    ///
    /// @param sampling whether tokens will be sampled, for which there are kernels to compile
    public static void startAhead(boolean sampling) {
        startsAhead = true;
        generates = sampling;
        var thread = new Thread(START, "attune-start");
        thread.setDaemon(true);
        thread.start();
    }

    /// Waits for the end of what [#startAhead] began, if it was called: a process that ends while
    /// libraries are being loaded may crash.
    public static void settle() {
        if (startsAhead) {
            try {
                START.get();
            } catch (ExecutionException e) {
                LOG.debug("the engine could not be started", e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static Started startUp() {
        VectorKernels.warmUp(generates); // beside what follows, which takes as long
        NativeSettings.apply();
        String allocator = Allocator.configure();
        ExecutorService executor = inMainArena();
        return new Started(executor, startOn(executor, allocator));
    }

    private static Started started() {
        START.run(); // nothing if it ran or runs
        return result(START);
    }

    /// A thread whose memory comes from malloc's main arena. A thread gets its arena at its first
    /// allocation: a new one while there are few, and the main one first when arenas are shared. So
    /// threads are started, and kept, until one gets it.
    private static ExecutorService inMainArena() {
        var others = new ArrayList<ExecutorService>();
        try {
            while (true) {
                var executor = Executors.newSingleThreadExecutor(EngineThread::new);
                if (others.size() == MOST_ARENAS || await(executor, Allocator::isInMainArena)) {
                    return executor;
                }
                others.add(executor);
            }
        } finally {
            others.forEach(ExecutorService::shutdown);
        }
    }

    private static LoadedLibtorch startOn(ExecutorService executor, String allocator) {
        return await(executor, () -> start(allocator));
    }

    private static LoadedLibtorch start(String allocator) {
        if (System.getProperty("OPT_OUT_TRACKING") == null) {
            System.setProperty("OPT_OUT_TRACKING", "true"); // else DJL reports its use at start
        }
        LoadedLibtorch libtorch = LibtorchLoader.load(LibtorchSearch.ofProcess().find());
        shim = libtorch.hasShim() ? new StableShim() : null;
        ops = libtorch.hasShim() ? new ShimOps(shim) : new DjlOps();
        int threads = threadCount();
        ops.setThreads(threads);
        Libtorch.setGradMode(false);
        Libtorch.quietLog();
        OpenMpThreads.find().ifPresent(KernelThreads::use);
        VectorKernels.warmUpAttention();
        if (libtorch.hasShim()) {
            SelfCheck.run(libtorch);
            LOG.info("libtorch {}", libtorch);
        }
        LOG.debug(
                "libtorch {} on {} threads, bfloat16 products {}, allocator: {}",
                libtorch,
                threads,
                hasFastBfloat16() ? "fast" : "slow",
                allocator);
        return libtorch;
    }

    private static final class EngineThread extends Thread {
        EngineThread(Runnable work) {
            super(null, work, "attune-engine", 16L << 20);
            setDaemon(true);
        }
    }

    /// Threads that one native operation may use: `OMP_NUM_THREADS` if set, else all cores.
    private static int threadCount() {
        String set = System.getenv("OMP_NUM_THREADS");
        return set != null && set.matches("[1-9]\\d{0,3}")
                ? Integer.parseInt(set)
                : Runtime.getRuntime().availableProcessors();
    }

    /// Threads that a native operation called from the engine thread uses now; other libraries in
    /// the process can change that. On the engine thread.
    public static int threads() {
        requireEngineThread();
        return ops.threads();
    }

    /// Makes native operations use one thread, unless `OMP_NUM_THREADS` is set: for models so small
    /// that waking a second one takes longer than the work. On the engine thread.
    ///
    /// @param small whether all models in use are small; once one isn't, all cores stay in use
    public static void suitThreads(boolean small) {
        requireEngineThread();
        largeModel |= !small;
        suited = true;
        setThreads();
    }

    /// Runs `work` with native operations on one thread while [SideWork] runs, unless
    /// `OMP_NUM_THREADS` is set. It is for copies, whose other threads would spin while they wait,
    /// on cores that it needs. On the engine thread.
    public static <T> T leavingCores(Supplier<T> work) {
        requireEngineThread();
        boolean before = besideOthers;
        besideOthers = SideWork.isRunning();
        setThreads();
        try {
            return work.get();
        } finally {
            besideOthers = before;
            setThreads();
        }
    }

    /// Runs `work` with native operations on one thread while [SideWork] runs, unless
    /// `OMP_NUM_THREADS` is set. On the engine thread.
    public static void leavingCores(Runnable work) {
        leavingCores(
                () -> {
                    work.run();
                    return null;
                });
    }

    private static void setThreads() {
        if (System.getenv("OMP_NUM_THREADS") == null) {
            boolean one = besideOthers || suited && !largeModel;
            ops.setThreads(one ? 1 : threadCount());
        }
    }

    /// Gives the system back the memory of tensors that are freed, which the process keeps
    /// otherwise. What is allocated next pays for its pages anew.
    public static void giveBackFreedMemory() {
        Allocator.trim();
    }

    /// Runs `work` on the engine thread and waits. Exceptions come out as they are.
    public static void run(Runnable work) {
        call(
                () -> {
                    work.run();
                    return null;
                });
    }

    /// Runs `work` on the engine thread, where it watches for the same [StopRequest], and gives its
    /// result. Unchecked exceptions and errors come
    /// out as they are, checked ones as the cause of an `IllegalStateException`. If this thread is
    /// interrupted, work that has not begun never does; what has begun is waited for.
    ///
    /// @throws IllegalStateException if this thread is interrupted before the work begins, or works
    ///     for the engine thread, which waits for it
    public static <T> T call(Callable<T> work) {
        return call(work, () -> {});
    }

    /// Runs `work` on the engine thread, and calls back if the calling thread is interrupted.
    ///
    /// @param interrupted called if this thread is interrupted while the work runs; may ask it to
    ///     end soon
    public static <T> T call(Callable<T> work, Runnable interrupted) {
        if (Thread.currentThread() instanceof EngineThread) {
            return unchecked(work);
        }
        requireFree();
        BooleanSupplier asked = StopRequest.current();
        var settled = new AtomicBoolean(); // whether it has begun, or never will
        var task =
                new FutureTask<>(
                        () -> {
                            if (settled.compareAndSet(false, true)) {
                                return StopRequest.watching(
                                        asked, () -> EngineWait.over(true, () -> unchecked(work)));
                            }
                            throw new IllegalStateException(WITHDRAWN);
                        });
        started().executor().execute(task);
        try {
            return TaskResult.whole(
                    task,
                    () -> {
                        if (settled.compareAndSet(false, true)) {
                            task.cancel(false);
                        } else {
                            interrupted.run();
                        }
                    });
        } catch (CancellationException e) {
            throw task.isCancelled() ? new IllegalStateException(WITHDRAWN, e) : e;
        }
    }

    private static void requireFree() {
        if (EngineWait.isOn()) {
            throw new IllegalStateException(
                    "a model of this process can't be used by code that a run waits for, such as a"
                            + " reward function: both would wait for ever. Name the model as a"
                            + " judge, {judge: {model: FOLDER}} in reward_funcs, or ask a server");
        }
    }

    private static <T> T unchecked(Callable<T> work) {
        try {
            return work.call();
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static <T> T await(ExecutorService executor, Callable<T> work) {
        return result(executor.submit(work));
    }

    private static <T> T result(Future<T> future) {
        return TaskResult.whole(future, () -> {}); // an interrupted start would be lost for all
    }

    /// @throws IllegalStateException if the caller isn't on the engine thread
    static void requireEngineThread() {
        if (!(Thread.currentThread() instanceof EngineThread)) {
            throw new IllegalStateException(
                    "tensors may only be touched on the engine thread; wrap the code in"
                            + " Engine.run(...); this is thread "
                            + Thread.currentThread().getName());
        }
    }

    /// The libtorch that this process uses; loads it if it isn't yet.
    ///
    /// @throws org.attune.error.ConfigException if it can't be used
    public static LoadedLibtorch libtorch() {
        return started().libtorch();
    }

    /// Operators for which libtorch's version decides how they are called.
    static NativeOps ops() {
        requireEngineThread();
        Capture.refuseAll("this operator", "its result may be allocated");
        return ops;
    }

    /// What passes lists.
    ///
    /// @throws IllegalStateException with a libtorch that can't
    static StableShim shim() {
        if (shim == null) {
            throw Libtorch.lacks("torch_new_list_reserve_size");
        }
        return shim;
    }

    /// Whether the processor multiplies bfloat16 in hardware (AVX-512-bf16 or AMX), and oneDNN may
    /// use it: `ONEDNN_MAX_CPU_ISA` makes a processor one without.
    public static boolean hasFastBfloat16() {
        if (isWithheld(System.getenv("ONEDNN_MAX_CPU_ISA"))
                || isWithheld(System.getenv("DNNL_MAX_CPU_ISA"))) {
            return false;
        }
        String processor = processor();
        return processor.contains("avx512_bf16") || processor.contains(TILES);
    }

    /// Whether the processor multiplies bytes in vectors of 512 bits (AVX512-VNNI). libtorch
    /// throws what no Java method can catch where it doesn't.
    static boolean hasByteProducts() {
        return processor().contains("avx512_vnni");
    }

    /// Whether the processor has vectors that oneDNN has products of float32 numbers for (AVX2).
    static boolean hasFloatProducts() {
        return processor().contains("avx2");
    }

    /// Whether the processor computes with bfloat16 by registers for tiles (AMX).
    static boolean hasTileRegisters() {
        return hasFastBfloat16() && processor().contains(TILES);
    }

    /// What Linux says of the processor; nothing elsewhere, which is the safe choice.
    private static String processor() {
        try {
            return Files.readString(Path.of("/proc/cpuinfo"));
        } catch (java.io.IOException e) {
            return "";
        }
    }

    /// Whether instructions for bfloat16 are above the most that oneDNN may use.
    ///
    /// @param most oneDNN's name of a set of instructions, or null: all
    static boolean isWithheld(String most) {
        return most != null && !WITH_BFLOAT16.matcher(most).matches();
    }

    /// The dtype for weights and activations that is fastest on `device`.
    public static DType fastestDtype(Device device) {
        return device.isGpu() || hasFastBfloat16() ? DType.BFLOAT16 : DType.FLOAT32;
    }
}
