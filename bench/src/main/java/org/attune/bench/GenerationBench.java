package org.attune.bench;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.hub.HubDownload;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.models.ModelSetup;
import org.attune.policy.Policy;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.generation.Generator;
import org.attune.rollout.generation.SequenceListener;
import org.attune.rollout.generation.Ticket;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.tensor.Engine;
import org.attune.tensor.OperatorTimes;
import org.attune.tensor.TensorScope;
import org.attune.trainers.loop.PassWork;
import org.attune.trainers.loop.ProcessMemory;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Measures the rollout engine: different random prompts, all sampled at temperature 1, none ending
/// early. All prompts are read before the second token of any is sampled, so the time of the last
/// first token parts reading from decoding.
///
/// @param spec the work
/// @param flops counts operations
record GenerationBench(BenchSpec spec, ModelFlops flops) {
    private static final String PREFILL = "prefill";
    private static final String DECODE = "decode";

    BenchRun run() {
        return Engine.call(
                () -> {
                    var config = BenchWorker.model(spec);
                    try (var _ = TensorScope.open("bench");
                            var setup = ModelSetup.open(config, HubDownload.cache());
                            Decoder decoder = setup.loadDecoder()) {
                        return spec.rank() == 0
                                ? measure(decoder, Adapter.OFF)
                                : withAdapter(decoder);
                    }
                });
    }

    private BenchRun withAdapter(Decoder decoder) {
        var lora =
                LoraConfig.of(spec.rank(), 2.0 * spec.rank(), 0, ModuleSelection.of("all-linear"));
        var random = RandomSource.XO_SHI_RO_256_PP.create(1L);
        try (var policy =
                Policy.withFreshAdapter(decoder, lora, random, Policy.Options.defaults())) {
            return measure(decoder, policy.adapterInUse());
        }
    }

    private BenchRun measure(Decoder decoder, Adapter adapter) {
        decoder.packDecoding();
        decoder.keepForward();
        var generator = new Generator(decoder, adapter, Optional.empty(), spec.rows());
        List<int[]> prompts = prompts(decoder.config().vocabSize());
        List<StepCost> calls = new ArrayList<>();
        for (int i = 0; i < spec.warmUp() + spec.steps(); i++) {
            if (spec.profile() && i == spec.warmUp()) {
                OperatorTimes.start();
            }
            calls.add(call(generator, prompts));
        }
        return new BenchRun(
                calls,
                spec.warmUp(),
                Optional.empty(),
                ProcessMemory.peakBytes(),
                BenchRun.peakOfGpus(),
                new GemmCeiling(0, 0, List.of()),
                ModelShape.of(decoder.config()),
                decoder.dtype().name(),
                BenchWorker.profile());
    }

    private List<int[]> prompts(int vocabulary) {
        var random = RandomSource.XO_SHI_RO_256_PP.create(2L);
        List<int[]> prompts = new ArrayList<>();
        for (int i = 0; i < spec.rows(); i++) {
            prompts.add(random.ints(spec.prompt(), 0, vocabulary).toArray());
        }
        return prompts;
    }

    private int added() {
        return spec.task() == BenchTask.PREFILL ? 1 : spec.newTokens();
    }

    private StepCost call(Generator generator, List<int[]> prompts) {
        var config = SamplingConfig.of(SamplingConfig.Distribution.plain(), added(), Set.of(), 1);
        long heap = StepRecorder.allocated();
        long tensors = TensorScope.createdTensors();
        OperatorTimes.phase(PREFILL);
        var split = new FirstTokens(prompts.size());
        double processor = StepRecorder.processorSeconds();
        long start = System.nanoTime();
        List<SampledCompletion> completions = generator.generate(prompts, config, split);
        long end = System.nanoTime();
        int sampled = completions.stream().mapToInt(c -> c.ids().length).sum();
        Map<String, Double> phases = new LinkedHashMap<>();
        phases.put(PREFILL, (split.nanos - start) / 1e9);
        Map<String, Double> operations = new LinkedHashMap<>();
        operations.put(PREFILL, spec.rows() * flops.prefill(spec.prompt()));
        if (added() > 1) {
            phases.put(DECODE, (end - split.nanos) / 1e9);
            operations.put(DECODE, spec.rows() * flops.decode(spec.prompt(), added()));
        }
        return new StepCost(
                (end - start) / 1e9,
                StepRecorder.processorSeconds() - processor,
                spec.task() == BenchTask.PREFILL ? (long) spec.rows() * spec.prompt() : sampled,
                spec.rows(),
                phases,
                Map.of(spec.task() == BenchTask.PREFILL ? PREFILL : DECODE, passes()),
                operations,
                0,
                StepRecorder.allocated() - heap,
                TensorScope.createdTensors() - tensors);
    }

    /// Rows of the products: those of a chunk of prompts, or of one token of all sequences.
    private PassWork passes() {
        if (spec.task() == BenchTask.PREFILL) {
            int rows = spec.rows() * spec.prompt();
            int chunks = Math.ceilDiv(rows, CachedDecoder.CHUNK);
            return new PassWork(chunks, rows, 0, spec.rows());
        }
        int tokens = added() - 1;
        long rows = (long) tokens * spec.rows();
        return new PassWork(tokens, rows, 0, rows);
    }

    /// Takes the time at which every sequence has its first token.
    private static final class FirstTokens implements SequenceListener {
        private int left;
        private long nanos;

        FirstTokens(int sequences) {
            left = sequences;
        }

        @Override
        public Next sampled(Ticket ticket, int id, float logProb) {
            if (left > 0 && --left == 0) {
                nanos = System.nanoTime();
                OperatorTimes.phase(DECODE);
            }
            return Next.GO_ON;
        }
    }
}
