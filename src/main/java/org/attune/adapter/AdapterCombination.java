package org.attune.adapter;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.error.ConfigException;
import org.attune.error.ModelException;
import org.attune.files.JsonFields;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/// Makes one LoRA adapter of several, as PEFT's `add_weighted_adapter` does. The result's scaling
/// is 1: the scalings of its parts are in its matrices. `W` is the weight that a part `p` gets,
/// `s` its scaling.
/// ```
/// CAT           B A = Σ w s B A, exactly
/// LINEAR, …     A = f(√|w s| sign(w s), A),   B = f(√|w s|, B): not the sum of updates
/// SVD, …        B A = the best approximation of f(w, s B A) of a rank
/// ```
/// where `f` is what [Kind] names. As in PEFT one adapter alone is taken as `LINEAR`.
///
/// @param kind how updates become one
/// @param weights of the parts, of either sign
/// @param svdRank rank of the result of kinds by SVD; the largest of the parts' if empty
/// @param svdClamp `U diag(S)` and `V` of such kinds are cut off at this quantile of all their
///     numbers, in (0, 1]
/// @param density share of numbers that is kept, in (0, 1], by kinds that drop some
/// @param byCount whether the majority of signs counts parts (PEFT's `frequency`), else it adds
///     values (`total`)
/// @param seed says which numbers DARE drops; PEFT draws others
public record AdapterCombination(
        Kind kind,
        List<Double> weights,
        OptionalInt svdRank,
        OptionalDouble svdClamp,
        OptionalDouble density,
        boolean byCount,
        long seed) {
    /// PEFT's `combination_type`.
    public enum Kind {
        LINEAR,
        CAT,
        SVD,
        TIES,
        TIES_SVD,
        DARE_TIES,
        DARE_LINEAR,
        DARE_TIES_SVD,
        DARE_LINEAR_SVD,
        MAGNITUDE_PRUNE,
        MAGNITUDE_PRUNE_SVD;

        boolean bySvd() {
            return name().endsWith("SVD");
        }

        private boolean drops() {
            return this != LINEAR && this != CAT && this != SVD;
        }

        private String peftName() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// @throws ConfigException if a value is outside its range, missing or not used
    public AdapterCombination {
        weights = List.copyOf(weights);
        weights.forEach(
                w -> {
                    if (!Double.isFinite(w) || w == 0) {
                        throw new ConfigException("weight " + w + "; accepted: numbers but 0");
                    }
                });
        if (kind.drops() != density.isPresent()) {
            throw new ConfigException(
                    "density is %s; %s %s"
                            .formatted(
                                    density.isPresent() ? density.getAsDouble() : "missing",
                                    kind.peftName(),
                                    kind.drops() ? "needs one in (0, 1]" : "has none"));
        }
        requireShare("density", density);
        requireShare("svd_clamp", svdClamp);
        if (!kind.bySvd() && (svdRank.isPresent() || svdClamp.isPresent())) {
            throw new ConfigException(
                    "svd_rank and svd_clamp are accepted with kinds that end with svd, not with "
                            + kind.peftName());
        }
        if (svdRank.isPresent() && svdRank.getAsInt() < 1) {
            throw new ConfigException(
                    "svd_rank is " + svdRank.getAsInt() + "; accepted: integers ≥ 1");
        }
    }

    private static void requireShare(String name, OptionalDouble share) {
        if (share.isPresent() && !(share.getAsDouble() > 0 && share.getAsDouble() <= 1)) {
            throw new ConfigException(name + " is " + share.getAsDouble() + "; accepted: (0, 1]");
        }
    }

    /// A part's update of one module.
    ///
    /// @param a `(r, in)`
    /// @param b `(out, r)`
    private record Part(LoraTarget target, double weight, Matrix a, Matrix b) {}

    /// @param values row-major
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    private record Matrix(int rows, int columns, float[] values) {
        /// With zeros behind its rows and columns.
        Matrix padded(int moreRows, int moreColumns) {
            float[] all = new float[moreRows * moreColumns];
            for (int row = 0; row < rows; row++) {
                System.arraycopy(values, row * columns, all, row * moreColumns, columns);
            }
            return new Matrix(moreRows, moreColumns, all);
        }

        Tensor tensor() {
            return Tensor.of(Device.cpu(), values, rows, columns);
        }

        static Matrix of(Tensor tensor) {
            return new Matrix(
                    (int) tensor.size(0), (int) tensor.size(1), tensor.contiguous().toFloats());
        }
    }

    /// Writes the combination of adapters as an adapter that PEFT loads. On the engine thread.
    ///
    /// @param parts as many as there are weights; borrowed
    /// @throws ConfigException if a part isn't plain LoRA, or the kind needs equal ranks
    /// @throws ModelException if parts are for models of other shapes
    public void write(List<AdapterFolder> parts, Path folder) {
        if (parts.size() != weights.size()) {
            throw new ConfigException(
                    "%d weights for %d adapters; accepted: one each"
                            .formatted(weights.size(), parts.size()));
        }
        parts.forEach(AdapterCombination::requirePlain);
        LoraConfig first = (LoraConfig) parts.getFirst().config();
        Kind used = parts.size() == 1 ? Kind.LINEAR : kind;
        int rank = rank(used, parts);
        Map<String, List<Part>> modules = modules(parts);
        var random = RandomSource.XO_SHI_RO_256_PP.create(seed);
        var vectors = new TaskVectors(density.orElse(1), byCount, random);
        Map<String, Source> sources = new LinkedHashMap<>();
        modules.values()
                .forEach(
                        own -> {
                            LoraTarget target = own.getFirst().target();
                            List<Matrix> both = combined(used, own, rank, vectors);
                            add(sources, target.nameOfA(), both.get(0));
                            add(sources, target.nameOfB(), both.get(1));
                        });
        parts.forEach(p -> addUntouched(p, sources));
        boolean transposed =
                JsonFields.read(parts.getFirst().path().resolve(AdapterConfig.FILE))
                        .flag("fan_in_fan_out", false);
        AdapterFolder.write(
                folder,
                LoraConfig.of(rank, rank, first.dropout(), targets(parts, modules))
                        .with(
                                targets(parts, modules),
                                List.of(),
                                first.taskType(),
                                first.baseModel()),
                List.copyOf(sources.values()),
                transposed);
    }

    private static void requirePlain(AdapterFolder part) {
        String why =
                switch (part.config()) {
                    case LoraConfig lora -> {
                        LoraOptions options = lora.options();
                        yield lora.decomposed()
                                ? "use_dora: true"
                                : options.updateBias()
                                                || options.biases() != LoraOptions.Biases.NONE
                                        ? "trained biases"
                                        : !options.replication().isEmpty()
                                                ? "layer_replication"
                                                : !lora.modulesToSave().isEmpty()
                                                        ? "modules_to_save: " + lora.modulesToSave()
                                                        : !options.tokens().isEmpty()
                                                                ? "trainable_token_indices"
                                                                : !options.parameters().isEmpty()
                                                                        ? "target_parameters"
                                                                        : "";
                    }
                    default -> "another kind than LORA";
                };
        if (!why.isEmpty()) {
            throw new ConfigException(
                    ("%s has %s; adapters that are combined are plain LoRA. Merge it into its base"
                                    + " (attune merge) instead")
                            .formatted(part.path(), why));
        }
    }

    private int rank(Kind used, List<AdapterFolder> parts) {
        List<Integer> ranks =
                parts.stream()
                        .map(
                                p ->
                                        p.targets().stream()
                                                .mapToInt(t -> ((LoraTarget) t).rank())
                                                .max()
                                                .orElseThrow())
                        .toList();
        if (used == Kind.CAT) {
            return ranks.stream().mapToInt(r -> r).sum();
        }
        int largest = ranks.stream().mapToInt(r -> r).max().orElseThrow();
        if (used.bySvd()) {
            return svdRank.orElse(largest);
        }
        if (ranks.stream().distinct().count() > 1) {
            throw new ConfigException(
                    "%s needs adapters of one rank, these have %s; use cat, svd or a kind that ends with svd"
                            .formatted(used.peftName(), ranks));
        }
        return largest;
    }

    private Map<String, List<Part>> modules(List<AdapterFolder> parts) {
        Map<String, List<Part>> modules = new LinkedHashMap<>();
        for (int i = 0; i < parts.size(); i++) {
            for (AdapterTarget target : parts.get(i).targets()) {
                LoraTarget own = (LoraTarget) target;
                Matrix a = read(parts.get(i), own.nameOfA());
                Matrix b = read(parts.get(i), own.nameOfB());
                List<Part> all = modules.computeIfAbsent(own.nameOfA(), _ -> new ArrayList<>());
                all.add(new Part(own, weights.get(i), a, b));
                Part first = all.getFirst();
                if (first.a().columns() != a.columns() || first.b().rows() != b.rows()) {
                    throw new ModelException(
                            "%s: %s is for a weight of shape (%d, %d), in another adapter (%d, %d); combine adapters of one base model"
                                    .formatted(
                                            parts.get(i).path(),
                                            own.path(),
                                            b.rows(),
                                            a.columns(),
                                            first.b().rows(),
                                            first.a().columns()));
                }
            }
        }
        return modules;
    }

    private static Matrix read(AdapterFolder folder, String name) {
        TensorFile.Entry entry = folder.tensors().entries().get(name);
        try (var _ = TensorScope.open("read");
                Arena arena = Arena.ofConfined()) {
            return Matrix.of(
                    Tensor.ofMemory(
                                    Device.cpu(),
                                    entry.dtype(),
                                    folder.tensors().read(name, arena),
                                    entry.shape())
                            .to(DType.FLOAT32));
        }
    }

    /// `A` and `B` of a module.
    private List<Matrix> combined(Kind used, List<Part> parts, int rank, TaskVectors vectors) {
        int in = parts.getFirst().a().columns();
        int out = parts.getFirst().b().rows();
        try (var _ = TensorScope.open("combine")) {
            List<Matrix> both =
                    used == Kind.CAT
                            ? joined(parts)
                            : used.bySvd()
                                    ? approximated(update(used, parts, vectors), rank)
                                    : apart(used, parts, vectors);
            return List.of(both.get(0).padded(rank, in), both.get(1).padded(out, rank));
        }
    }

    private static List<Matrix> joined(List<Part> parts) {
        Tensor[] a = new Tensor[parts.size()];
        Tensor[] b = new Tensor[parts.size()];
        for (int i = 0; i < a.length; i++) {
            Part p = parts.get(i);
            a[i] = p.a().tensor().mul(p.weight() * p.target().scaling());
            b[i] = p.b().tensor();
        }
        return List.of(Matrix.of(Tensor.cat(0, a)), Matrix.of(Tensor.cat(1, b)));
    }

    /// Matrices that are combined each by itself.
    private static List<Matrix> apart(Kind used, List<Part> parts, TaskVectors vectors) {
        double[] ofA = new double[parts.size()];
        double[] ofB = new double[parts.size()];
        for (int i = 0; i < ofA.length; i++) {
            double scaled = parts.get(i).weight() * parts.get(i).target().scaling();
            ofB[i] = Math.sqrt(Math.abs(scaled));
            ofA[i] = Math.copySign(ofB[i], scaled); // once, since two signs would cancel
        }
        if (parts.stream().map(p -> p.a().rows()).distinct().count() > 1) {
            throw new ConfigException(
                    "%s: %s needs one rank in all adapters; use cat, svd or a kind that ends with svd"
                            .formatted(parts.getFirst().target().path(), used.peftName()));
        }
        Matrix a = parts.getFirst().a();
        Matrix b = parts.getFirst().b();
        float[] newA = vectors.combine(used, parts.stream().map(p -> p.a().values()).toList(), ofA);
        float[] newB = vectors.combine(used, parts.stream().map(p -> p.b().values()).toList(), ofB);
        return List.of(
                new Matrix(a.rows(), a.columns(), newA), new Matrix(b.rows(), b.columns(), newB));
    }

    /// The combined update of a weight, `(out, in)`.
    private static Matrix update(Kind used, List<Part> parts, TaskVectors vectors) {
        List<float[]> updates = new ArrayList<>();
        for (Part p : parts) {
            Tensor update = p.b().tensor().mm(p.a().tensor()).mul(p.target().scaling());
            updates.add(update.toFloats());
        }
        double[] own = parts.stream().mapToDouble(Part::weight).toArray();
        int in = parts.getFirst().a().columns();
        int out = parts.getFirst().b().rows();
        return new Matrix(out, in, vectors.combine(used, updates, own));
    }

    private List<Matrix> approximated(Matrix update, int rank) {
        Tensor[] usv = update.tensor().svd();
        long kept = Math.min(rank, usv[1].size(0));
        Tensor s = usv[1].narrow(0, 0, kept);
        Matrix b = Matrix.of(usv[0].narrow(1, 0, kept).mul(s));
        Matrix a = Matrix.of(usv[2].narrow(1, 0, kept).t());
        if (svdClamp.isPresent()) {
            float bound = quantile(svdClamp.getAsDouble(), a.values(), b.values());
            clamp(a.values(), bound);
            clamp(b.values(), bound);
        }
        return List.of(a, b);
    }

    /// Between the two numbers next to it, linearly.
    private static float quantile(double share, float[] a, float[] b) {
        float[] all = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, all, a.length, b.length);
        Arrays.sort(all);
        double place = share * (all.length - 1);
        int below = (int) place;
        int above = Math.min(below + 1, all.length - 1);
        return (float) (all[below] + (place - below) * (all[above] - all[below]));
    }

    /// Where the bound is negative everything becomes it, as in PyTorch.
    private static void clamp(float[] values, float bound) {
        for (int i = 0; i < values.length; i++) {
            values[i] = Math.min(Math.max(values[i], -bound), bound);
        }
    }

    private static void add(Map<String, Source> sources, String name, Matrix matrix) {
        sources.put(
                name,
                new Source(
                        name,
                        DType.FLOAT32,
                        new long[] {matrix.rows(), matrix.columns()},
                        arena -> arena.allocateFrom(ValueLayout.JAVA_FLOAT, matrix.values())));
    }

    /// Weights under an adapter of embedding or output layer, which PEFT saves along.
    private static void addUntouched(AdapterFolder part, Map<String, Source> sources) {
        for (TensorFile.Entry entry : part.tensors().entries().values()) {
            if (entry.name().endsWith(".base_layer.weight")) {
                sources.putIfAbsent(entry.name(), Source.copyOf(part.tensors(), entry));
            }
        }
    }

    /// The parts' own names where these mean the same modules in every part, else whole paths.
    private static ModuleSelection targets(
            List<AdapterFolder> parts, Map<String, List<Part>> modules) {
        List<String> names = new ArrayList<>();
        boolean named = true;
        for (AdapterFolder part : parts) {
            LoraConfig config = (LoraConfig) part.config();
            Optional<List<String>> own =
                    config.targets() instanceof ModuleSelection.Names(List<String> all)
                            ? Optional.of(all)
                            : Optional.empty();
            named &= own.isPresent() && config.excluded().isEmpty() && config.layers().isEmpty();
            own.ifPresent(names::addAll);
        }
        List<String> paths =
                modules.values().stream().map(own -> own.getFirst().target().path()).toList();
        return new ModuleSelection.Names((named ? names : paths).stream().distinct().toList());
    }
}
