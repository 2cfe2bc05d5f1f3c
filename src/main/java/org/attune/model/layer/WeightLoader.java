package org.attune.model.layer;

import org.attune.error.ModelException;
import org.attune.error.StopRequest;
import org.attune.files.TensorFile;
import org.attune.model.config.Activation;
import org.attune.model.config.AttentionConfig;
import org.attune.model.config.BlockOrder;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ExpertsConfig;
import org.attune.model.config.ExpertsConfig.RouterConfig;
import org.attune.model.config.FeedForwardConfig;
import org.attune.model.config.MixersConfig;
import org.attune.model.config.NormConfig;
import org.attune.model.config.TensorNames;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Reads a decoder's tensors by name, checks their shapes and puts its parts together.
final class WeightLoader {
    private final DecoderConfig config;
    private final TensorNames names;
    private final TensorFile file;
    private final TensorScope scope;
    private final Device device;
    private final DType dtype;
    private final boolean packs;
    private final Optional<CodedLoader> coding;
    private final Set<String> read = new HashSet<>();

    /// @param scope owner of the tensors
    /// @param packs whether linear layers keep copies in the layout that products like best
    /// @param coding of linear layers in few bits
    WeightLoader(
            DecoderConfig config,
            TensorFile file,
            TensorScope scope,
            Device device,
            DType dtype,
            boolean packs,
            Optional<CodedLoader> coding) {
        this.coding = coding;
        this.config = config;
        this.file = file;
        this.scope = scope;
        this.device = device;
        this.dtype = dtype;
        this.packs = packs;
        names = config.names();
    }

    /// Names of the tensors that were read.
    Set<String> read() {
        return read;
    }

    Weight weight(String name, long... shape) {
        return weight(dtype, name, shape);
    }

    private Weight weight(DType as, String name, long... shape) {
        try (var _ = TensorScope.open("load")) {
            Tensor target = scope.adopt(Tensor.empty(device, as, shape));
            into(name, target, false);
            return new Weight(name, target);
        }
    }

    InputLayer input() {
        int width = config.hiddenSize();
        return new InputLayer(
                config,
                weight(names.embeddingPath() + ".weight", config.vocabSize(), width),
                config.positionsPath()
                        .map(p -> weight(p + ".weight", config.maxPositionEmbeddings(), width)),
                config.ends().embeddingNorm()
                        ? Optional.of(new BareNorm(config.normEps(), false))
                        : Optional.empty());
    }

    /// @param shape of its weight
    Norm norm(String path, long... shape) {
        return norm(config.block().norm(), path, shape);
    }

    /// @param shape of its weight
    Norm norm(NormConfig kind, String path, long... shape) {
        return switch (kind) {
            case NormConfig.Rms(double epsilon, double offset) ->
                    new RmsNorm(weight(path + ".weight", shape), epsilon, offset);
            case NormConfig.Bare(double epsilon, boolean centred) -> new BareNorm(epsilon, centred);
            case NormConfig.Layer(double epsilon, double offset, boolean bias) ->
                    new LayerNorm(
                            weight(path + ".weight", shape),
                            bias ? Optional.of(weight(path + ".bias", shape)) : Optional.empty(),
                            epsilon,
                            offset);
        };
    }

    Block block(int layer) {
        String path = names.block(layer);
        BlockOrder order = config.block().order();
        Iterator<String> norms = names.norms().iterator();
        MixersConfig.Parts parts = config.parts(layer);
        boolean mixes = parts.mixes();
        Optional<Norm> first = norm(mixes && order.normsBefore(), path, norms);
        List<Mixer> mixers = mixers(path, layer, parts);
        Optional<Norm> second = norm(mixes && order.normsAfter(), path, norms);
        if (!parts.feedForward()) {
            var none = new Block.Norms(Optional.empty(), Optional.empty());
            return new Block(
                    order,
                    new Block.Norms(first, second),
                    mixers,
                    none,
                    Optional.empty(),
                    variedLoader().end(layer),
                    variedLoader().learned(layer),
                    variedLoader().copies(layer));
        }
        Optional<Norm> third =
                norm(order.normsBefore() && norms.hasNext(), path, norms)
                        .or(() -> order.normsBefore() ? first : Optional.empty()); // both read one
        FeedForward feedForward = feedForward(path, layer);
        if (feedForward instanceof Experts experts && dense(layer)) {
            feedForward =
                    variedLoader().both(layer, dense(path, layer), third.orElseThrow(), experts);
            third = Optional.empty(); // each part has its own
        }
        Optional<Norm> fourth = norm(order.normsAfter(), path, norms);
        return new Block(
                order,
                new Block.Norms(first, second),
                mixers,
                new Block.Norms(third, fourth),
                Optional.of(feedForward),
                variedLoader().end(layer),
                variedLoader().learned(layer),
                variedLoader().copies(layer));
    }

    private boolean dense(int layer) {
        return config.block().feedForward().isDense(layer);
    }

    private VariedLoader variedLoader() {
        return new VariedLoader(config, this);
    }

    private List<Mixer> mixers(String path, int layer, MixersConfig.Parts parts) {
        List<Mixer> mixers = new ArrayList<>();
        if (parts.attention()) {
            mixers.add(
                    config.attention().latent().isPresent()
                            ? latent(path, layer)
                            : config.variesAttention()
                                    ? variedLoader().attention(layer)
                                    : attention(path, layer));
        }
        if (parts.state()) {
            mixers.add(new StateLoader(config, this).mixer(path));
        }
        return mixers;
    }

    private Optional<Norm> norm(boolean there, String path, Iterator<String> norms) {
        return there
                ? Optional.of(norm(path + norms.next(), config.hiddenSize()))
                : Optional.empty();
    }

    private SelfAttention attention(String path, int layer) {
        AttentionConfig a = config.attention();
        int queries = a.heads() * a.headDim();
        int keys = a.kvHeads() * a.headDim();
        FusedLinear qkv =
                linear(
                        config.hiddenSize(),
                        a.qkvBias(),
                        path,
                        names.qkv(),
                        a.projectedQueries(),
                        keys,
                        keys);
        return new SelfAttention(
                qkv,
                names.qkvByHead(),
                qkNorm(path, 0, a.heads(), layer),
                qkNorm(path, 1, a.kvHeads(), layer),
                names.innerNorms().isEmpty()
                        ? Optional.empty()
                        : Optional.of(norm(path + names.innerNorms().get(0), queries)),
                linear(queries, a.outputBias(), path, List.of(names.output()), config.hiddenSize()),
                config.window(layer).orElse(0),
                a.softcap(),
                a.sinks()
                        ? Optional.of(weight(path + "self_attn.sinks", a.heads()))
                        : Optional.empty(),
                config.rotates(layer));
    }

    private LatentAttention latent(String path, int layer) {
        AttentionConfig a = config.attention();
        AttentionConfig.Latent sizes = a.latent().orElseThrow();
        List<FusedLinear> linears = new ArrayList<>();
        sizes.linears(config.heads(), config.hiddenSize())
                .forEach(
                        (name, shape) ->
                                linears.add(
                                        linear(
                                                (int) shape[1],
                                                a.latentBias(name),
                                                path,
                                                List.of(name),
                                                (int) shape[0])));
        List<RmsNorm> norms = new ArrayList<>();
        sizes.norms()
                .forEach(
                        (name, size) ->
                                norms.add(
                                        new RmsNorm(
                                                weight(path + name + ".weight", size),
                                                AttentionConfig.Latent.EPSILON,
                                                0)));
        Optional<LatentAttention.QueryDown> queries =
                sizes.queryRank().isPresent()
                        ? Optional.of(
                                new LatentAttention.QueryDown(
                                        linears.removeFirst(), norms.removeFirst()))
                        : Optional.empty();
        return new LatentAttention(
                queries,
                linears.get(0),
                linears.get(1),
                norms.getFirst(),
                linears.get(2),
                linears.get(3),
                config.rotates(layer));
    }

    /// @param block path of the block
    /// @param which 0 is that of queries, 1 that of keys
    private Norm qkNorm(String block, int which, int heads, int layer) {
        AttentionConfig a = config.attention();
        return switch (a.qkNorm()) {
            case NONE -> null;
            case HEADS, ROTATED -> norm(block + names.qkNorms().get(which), a.headDim());
            case ROTATED_BARE ->
                    config.rotates(layer) ? new BareNorm(config.normEps(), false) : null;
            case EACH -> eachHead(block + names.qkNorms().get(which), heads);
            case TOGETHER -> norm(block + names.qkNorms().get(which), (long) heads * a.headDim());
        };
    }

    /// Files hold the weights of heads as one tensor, or one by one.
    private Norm eachHead(String path, int heads) {
        int size = config.headDim();
        double epsilon = config.normEps();
        if (file.entries().containsKey(path + ".weight")) {
            Weight weight = weight(path + ".weight", heads, size);
            return new LayerNorm(weight, Optional.empty(), epsilon, 0);
        }
        List<LayerNorm> all = new ArrayList<>();
        for (int i = 0; i < heads; i++) {
            Weight weight = weight(path + "." + i + ".weight", size);
            all.add(new LayerNorm(weight, Optional.empty(), epsilon, 0));
        }
        return new EachHead(all);
    }

    private FeedForward feedForward(String path, int layer) {
        FeedForwardConfig f = config.block().feedForward();
        Optional<ExpertsConfig> experts = f.experts(layer);
        if (experts.isPresent()) {
            return experts(path, experts.get(), names.experts().orElseThrow());
        }
        if (f.activation() == Activation.XIELU) {
            return xielu(path, layer);
        }
        FeedForward.Dense dense = dense(path, layer);
        if (!names.innerNorms().isEmpty()) {
            return new FeedForward.Normed(dense, norm(path + names.innerNorms().get(1), f.inner()));
        }
        if (dense instanceof FeedForward.Gated part && f.closed(layer) > 0) {
            return FeedForward.Sparse.of(part, f.closed(layer));
        }
        return dense instanceof FeedForward.Gated part
                        && !f.factors().equals(FeedForwardConfig.Factors.ONES)
                ? new FeedForward.Scaled(part, f.factors().gate(), f.factors().out())
                : dense;
    }

    private Xielu xielu(String block, int layer) {
        int inner = config.block().feedForward().inner(layer);
        String path = block + names.activation();
        return new Xielu(
                linear(config.hiddenSize(), false, block, names.up(), inner),
                linear(inner, false, block, List.of(names.down()), config.hiddenSize()),
                weight(path + ".alpha_p", 1),
                weight(path + ".alpha_n", 1),
                vector(path + ".beta", 1),
                vector(path + ".eps", 1));
    }

    private FeedForward.Dense dense(String path, int layer) {
        FeedForwardConfig f = config.block().feedForward();
        int inner = f.inner(layer);
        int width = config.hiddenSize();
        int[] outs = new int[f.matrices() - 1];
        Arrays.fill(outs, inner);
        FusedLinear up = linear(width, f.bias(), path, names.up(), outs);
        FusedLinear down = linear(inner, f.bias(), path, List.of(names.down()), width);
        return f.gated()
                ? new FeedForward.Gated(up, down, f.activation())
                : new FeedForward.Plain(up, down, f.activation());
    }

    private Experts experts(String path, ExpertsConfig e, TensorNames.Experts own) {
        int width = config.hiddenSize();
        RouterConfig r = e.router();
        FusedLinear router = linear(width, r.biased(), path, List.of(own.router()), e.count());
        List<FeedForward.Dense> all = new ArrayList<>();
        for (int i = 0; i < e.count(); i++) {
            String expert = path + own.list() + "." + i + ".";
            all.add(gated(expert, own.up(), own.down(), e.inner(), e));
        }
        return new Experts(
                new Router(
                        router,
                        r.corrected()
                                ? Optional.of(vector(path + own.correction(), e.count()))
                                : Optional.empty(),
                        r,
                        e.chosen(),
                        r.scaled()
                                ? Optional.of(variedLoader().factors(path, e.count()))
                                : Optional.empty()),
                all,
                e.shared() == 0 ? Optional.empty() : Optional.of(shared(path, e, own)));
    }

    private Experts.Shared shared(String path, ExpertsConfig e, TensorNames.Experts own) {
        TensorNames.Shared s = own.shared().orElseThrow();
        return new Experts.Shared(
                gated(path + s.path() + ".", s.up(), s.down(), e.shared(), e),
                own.hasSharedGate()
                        ? Optional.of(
                                linear(config.hiddenSize(), false, path, List.of(s.gate()), 1))
                        : Optional.empty());
    }

    /// A float32 vector, which files may hold with further axes of one.
    /// A weight of so many numbers, in the shape that the file has.
    Weight numbers(String name, long count) {
        TensorFile.Entry entry = file.entries().get(name);
        boolean fits = entry != null && entry.count() == count;
        return weight(name, fits ? entry.shape() : new long[] {count});
    }

    private Weight vector(String name, int size) {
        TensorFile.Entry entry = file.entries().get(name);
        boolean fits = entry != null && entry.count() == size;
        return weight(DType.FLOAT32, name, fits ? entry.shape() : new long[] {size});
    }

    private FeedForward.Dense gated(
            String path, List<String> up, String down, int inner, ExpertsConfig e) {
        int width = config.hiddenSize();
        FusedLinear out = linear(inner, e.biased(), path, List.of(down), width);
        if (!config.block().feedForward().gated()) {
            return new FeedForward.Plain(
                    linear(width, e.biased(), path, up, inner), out, config.activation());
        }
        FusedLinear into = linear(width, e.biased(), path, up, inner, inner);
        return e.clamp().isPresent()
                ? new FeedForward.Clamped(into, out, e.clamp().get())
                : new FeedForward.Gated(into, out, config.activation());
    }

    /// @param modules one for each of `outs`, or one that holds them all
    FusedLinear linear(int in, boolean bias, String path, List<String> modules, int... outs) {
        int[] rows = modules.size() == 1 ? new int[] {Arrays.stream(outs).sum()} : outs;
        var parts = new ArrayList<FusedLinear.Part>();
        int row = 0;
        for (int i = 0; i < rows.length; i++) {
            parts.add(new FusedLinear.Part(path + modules.get(i), row, rows[i], bias));
            row += rows[i];
        }
        try (var _ = TensorScope.open("load")) {
            Optional<LinearWeights> coded =
                    coding.flatMap(c -> c.weights(parts, in, part -> dense(part, in)));
            var linear =
                    coded.map(w -> new FusedLinear(scope, parts, in, device, dtype, w))
                            .orElseGet(
                                    () -> new FusedLinear(scope, parts, in, device, dtype, packs));
            for (int i = 0; i < rows.length; i++) {
                String name = parts.get(i).path() + ".weight";
                if (coded.isPresent()) {
                    entry(name, stored(rows[i], in));
                } else {
                    into(name, linear.weight(i), names.transposed());
                }
                if (bias) {
                    into(parts.get(i).path() + ".bias", linear.bias(i), false);
                }
            }
            return linear;
        }
    }

    /// The weight of a part as its file has it, `(out, in)`, in the current scope.
    private Tensor dense(FusedLinear.Part part, int in) {
        String name = part.path() + ".weight";
        long[] stored = stored(part.out(), in);
        TensorFile.Entry entry = entry(name, stored);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment numbers = file.read(name, arena);
            Tensor all = Tensor.ofMemory(Device.cpu(), entry.dtype(), numbers, stored);
            return names.transposed() ? all.t().contiguous() : all;
        }
    }

    /// The shape of a weight in its file.
    private long[] stored(int out, int in) {
        return names.transposed() ? new long[] {in, out} : new long[] {out, in};
    }

    private void into(String name, Tensor target, boolean transposed) {
        Tensor stored = transposed ? target.t() : target;
        TensorFile.Entry entry = entry(name, stored.shape());
        if (target.device().equals(Device.cpu())
                && !transposed
                && target.isDense()
                && file.gives(name, target.dtype())) {
            file.read(name, target.dtype(), target.memory());
            return;
        }
        try (var _ = TensorScope.open("load");
                Arena arena = Arena.ofConfined()) {
            stored.copyInPlace(
                    Tensor.ofMemory(
                            Device.cpu(), entry.dtype(), file.read(name, arena), entry.shape()));
        }
    }

    /// @param shape that the configuration asks for
    private TensorFile.Entry entry(String name, long... shape) {
        read.add(name);
        TensorFile.Entry entry = file.entries().get(name);
        if (entry == null) {
            throw new ModelException(
                    "the model's files hold no tensor \"%s\"; its config.json says it should"
                            .formatted(name));
        }
        StopRequest.check();
        if (!Arrays.equals(entry.shape(), shape)) {
            throw new ModelException(
                    "tensor \"%s\" has shape %s, but config.json asks for %s"
                            .formatted(
                                    name, Arrays.toString(entry.shape()), Arrays.toString(shape)));
        }
        return entry;
    }
}
