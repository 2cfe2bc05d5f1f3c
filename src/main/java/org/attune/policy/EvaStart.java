package org.attune.policy;

import org.attune.adapter.AdapterTarget;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraOptions;
import org.attune.adapter.LoraTarget;
import org.attune.error.ConfigException;
import org.attune.error.StopRequest;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FusedLinear;
import org.attune.model.pass.DecoderRun;
import org.attune.tensor.TensorScope;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// How LoRA begins by Explained Variance Adaptation ([Paischer et al. 2024, §3 and Algorithm
/// 1](https://arxiv.org/abs/2410.07170)): `A` is the first principal directions of what its module
/// reads, `B` is zero, and ranks are given to the modules whose directions explain most.
final class EvaStart {
    private static final Logger LOG = LoggerFactory.getLogger(EvaStart.class);
    private static final int MOST_PASSES = 512;

    private final LoraConfig config;
    private final Map<String, float[]> starts; // A by path

    private EvaStart(LoraConfig config, Map<String, float[]> starts) {
        this.config = config;
        this.starts = starts;
    }

    /// Reads rows until the directions that count don't change any more.
    ///
    /// @param decoder whose base is asked
    /// @param asked by the run
    /// @param batches token ids of sequences; each batch has more tokens than `r` times `rho`
    /// @throws ConfigException if a module reads fewer features than it would get directions
    static EvaStart of(Decoder decoder, LoraConfig asked, Iterator<List<int[]>> batches) {
        try (var _ = TensorScope.open("eva");
                var search = new Search(decoder, asked)) {
            search.run(batches);
            return search.result();
        }
    }

    /// The adapter's configuration: the ranks that modules got, and the others left out.
    LoraConfig config() {
        return config;
    }

    /// Writes the first values of an adapter with [#config].
    void begin(Policy policy) {
        FlatParameters flat = policy.parameters();
        for (ParameterSpace.Parameter p : flat.parameters()) {
            for (var start : starts.entrySet()) {
                if (p.name().endsWith("." + start.getKey() + ".lora_A.weight")) {
                    flat.write(p, start.getValue());
                }
            }
        }
        flat.valuesChanged();
    }

    /// Modules that read the same input, and its directions.
    private record Group(FusedLinear linear, List<LoraTarget> targets, InputDirections found) {}

    private static final class Search implements AutoCloseable {
        private final Decoder decoder;
        private final LoraConfig asked;
        private final List<Group> groups = new ArrayList<>();
        private final Set<Group> done = new HashSet<>();
        private final Map<String, Integer> ranks = new HashMap<>();

        Search(Decoder decoder, LoraConfig asked) {
            this.decoder = decoder;
            this.asked = asked;
            Map<String, LoraTarget> targets = new LinkedHashMap<>();
            List<String> paths =
                    decoder.linears().stream()
                            .flatMap(l -> l.parts().stream())
                            .map(FusedLinear.Part::path)
                            .toList();
            for (AdapterTarget target : asked.matchAll(paths)) {
                targets.put(target.path(), (LoraTarget) target);
            }
            for (FusedLinear linear : decoder.linears()) {
                List<LoraTarget> own =
                        linear.parts().stream()
                                .map(part -> targets.get(part.path()))
                                .filter(target -> target != null)
                                .toList();
                if (!own.isEmpty()) {
                    groups.add(new Group(linear, own, directions(linear, own)));
                }
            }
        }

        private InputDirections directions(FusedLinear linear, List<LoraTarget> own) {
            LoraOptions.Eva eva = asked.options().eva();
            int most = own.stream().mapToInt(LoraTarget::rank).max().orElseThrow();
            int count = (int) Math.rint(most * eva.rho());
            if (count > linear.in()) {
                throw ConfigException.about(
                        "peft_kwargs",
                        "eva_config: rho %s asks for %d directions of %s, which reads %d features; lower rho or lora_r"
                                .formatted(eva.rho(), count, own.getFirst().path(), linear.in()));
            }
            own.forEach(target -> ranks.put(target.path(), count));
            return new InputDirections(count, linear.in(), eva.tau());
        }

        void run(Iterator<List<int[]>> batches) {
            int passes = 0;
            while (watch() && passes < MOST_PASSES) {
                StopRequest.check();
                pass(batches.next());
                passes++;
                if (groups.stream().allMatch(g -> g.found().isKnown())) {
                    distribute();
                }
            }
            for (Group group : groups) {
                if (!group.found().isKnown()) {
                    throw ConfigException.about(
                            "peft_kwargs",
                            "init_lora_weights \"eva\": %d batches gave %s fewer than %d inputs each; lower lora_r or rho, or leave the module out"
                                    .formatted(
                                            passes,
                                            group.targets().getFirst().path(),
                                            group.found().count()));
                }
            }
            LOG.info(
                    "EVA: {} passes, {} of {} inputs have converged",
                    passes,
                    done.size(),
                    groups.size());
        }

        /// Has the inputs looked at whose directions still change.
        ///
        /// @return whether there are such
        private boolean watch() {
            for (Group g : groups) {
                boolean stands =
                        g.found().isKnown()
                                && g.found().hasConverged(ranks.get(g.targets().getFirst().path()));
                if (stands) {
                    done.add(g);
                } else {
                    done.remove(g);
                }
            }
            return done.size() < groups.size();
        }

        private void pass(List<int[]> batch) {
            var builder = TokenForest.builder();
            batch.forEach(builder::root);
            List<Group> watched = groups.stream().filter(g -> !done.contains(g)).toList();
            watched.forEach(g -> g.linear().observe(g.found()::add));
            try (var _ = TensorScope.open("eva");
                    var run =
                            new DecoderRun(
                                    decoder,
                                    Policy.layout(builder.build()),
                                    Adapter.OFF,
                                    DecoderRun.Options.forwardOnly())) {
                run.hidden();
            } finally {
                watched.forEach(g -> g.linear().observe(_ -> {}));
            }
        }

        private record Direction(double ratio, String path) {}

        /// Gives the ranks that were asked for to the directions that explain most. Of modules with
        /// one input the first has the most, which is the one whose convergence counts.
        private void distribute() {
            List<Direction> all = new ArrayList<>();
            groups.forEach(g -> collect(g, g.targets().subList(0, 1), all));
            groups.forEach(g -> collect(g, g.targets().subList(1, g.targets().size()), all));
            all.sort(Comparator.comparingDouble(Direction::ratio).reversed());
            int budget =
                    groups.stream()
                            .flatMap(g -> g.targets().stream())
                            .mapToInt(LoraTarget::rank)
                            .sum();
            ranks.replaceAll((_, _) -> 0);
            all.subList(0, budget).forEach(d -> ranks.merge(d.path(), 1, Integer::sum));
            for (Group g : groups) {
                String first = g.targets().getFirst().path();
                for (LoraTarget other : g.targets()) {
                    int own = ranks.get(other.path());
                    if (own > ranks.get(first)) {
                        ranks.put(other.path(), ranks.put(first, own));
                    }
                }
            }
        }

        private static void collect(Group group, List<LoraTarget> targets, List<Direction> to) {
            for (LoraTarget target : targets) {
                for (int k = 0; k < group.found().count(); k++) {
                    to.add(new Direction(group.found().ratio(k), target.path()));
                }
            }
        }

        EvaStart result() {
            Map<String, float[]> starts = new HashMap<>();
            Map<String, Integer> own = new LinkedHashMap<>();
            for (Group g : groups) {
                for (LoraTarget target : g.targets()) {
                    int rank = ranks.get(target.path());
                    own.put(target.path(), rank);
                    if (rank > 0) {
                        starts.put(
                                target.path(),
                                g.found().first(rank, asked.options().eva().whiten()));
                    }
                }
            }
            return new EvaStart(asked.withRanks(own), starts);
        }

        @Override
        public void close() {
            groups.forEach(g -> g.found().close());
        }
    }
}
