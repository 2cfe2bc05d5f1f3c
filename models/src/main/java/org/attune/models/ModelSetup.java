package org.attune.models;

import static org.attune.api.Api.Status.EXPERIMENTAL;
import static org.attune.error.Argument.given;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.AdapterConfig;
import org.attune.adapter.AdapterFolder;
import org.attune.adapter.AdapterTarget;
import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.error.ModelException;
import org.attune.files.HubCache;
import org.attune.files.JsonFields;
import org.attune.files.TensorFile;
import org.attune.images.ImagePipeline;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ScoreKind;
import org.attune.model.config.TensorNames;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.Storage;
import org.attune.model.source.FolderModel;
import org.attune.model.source.FreshScore;
import org.attune.model.source.GgufModel;
import org.attune.model.source.ModelSource;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.text.TextAssets;
import org.attune.text.parse.ToolProtocol;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// A model as configured: its files, its text, its starting adapter. The weights are not loaded
/// yet, so that mistakes in the data show first. Owns what it opens.
@Api(EXPERIMENTAL)
public final class ModelSetup implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ModelSetup.class);

    /// Products of this width and the usual few hundred rows take some microseconds.
    private static final int SMALL_WIDTH = 256;

    /// Numbers of a model that is read in a second or two.
    private static final long MOST_SMALL = 1_000_000_000;

    /// transformers' default for all families.
    private static final double INITIALIZER_RANGE = 0.02;

    /// Names of an adapter's labels: `id2label` and `problem_type` as transformers has them in
    /// `config.json`.
    public static final String LABELS_FILE = HeadFiles.LABELS;

    private final ModelConfig config;
    private ModelSource source;
    private final Optional<AdapterFolder> adapter;
    private final ModelText modelText;
    private TextAssets text;

    private ModelSetup(ModelConfig config, ModelSource source, Optional<AdapterFolder> adapter) {
        this.config = config;
        this.source = source;
        this.adapter = adapter;
        this.modelText = new ModelText(config, source, adapter.map(AdapterFolder::path));
    }

    /// Opens model and adapter.
    ///
    /// @throws org.attune.error.ModelException if one is missing, damaged or of an unknown kind
    public static ModelSetup open(ModelConfig config, HubCache hub) {
        given(config, "config");
        ModelSource source =
                ModelSource.open(config.modelNameOrPath(), config.modelRevision(), hub);
        Optional<AdapterFolder> adapter = Optional.empty();
        try {
            adapter = config.adapterNameOrPath().map(name -> AdapterFolder.open(name, hub));
            var ranges = adapter.map(a -> a.config().replication()).orElse(List.of());
            return new ModelSetup(config, source.repeating(ranges), adapter);
        } catch (RuntimeException e) {
            adapter.ifPresent(AdapterFolder::close);
            source.close();
            throw e;
        }
    }

    public ModelSource source() {
        return source;
    }

    /// Has blocks stand in the model as often as an adapter's `layer_replication` says; before
    /// weights are loaded.
    ///
    /// @param ranges `[start, end)` of blocks; empty: as the files have them
    /// @throws ModelException if the model hasn't such blocks, or they differ in kind
    public void repeatLayers(List<List<Integer>> ranges) {
        source = source.repeating(ranges);
    }

    /// Tokenizer and chat template in force; opened when first asked for, since a model without
    /// them can still compute.
    ///
    /// @throws org.attune.error.ModelException if they are missing or damaged
    public synchronized TextAssets text() {
        if (text == null) {
            text = modelText.open(images());
        }
        return text;
    }

    /// Tokenizer and chat template without what `tool_protocol` writes.
    public synchronized TextAssets bareText() {
        text();
        return modelText.bare();
    }

    /// What the model sees pictures by; empty if it sees none.
    ///
    /// @throws org.attune.error.ModelException if its folder says something that isn't supported
    /// @throws ConfigException if a key of images is set and it sees none
    public Optional<ImagePipeline> images() {
        var options = new ImagePipeline.Options(config.imageBackend(), config.imageSettings());
        Optional<ImagePipeline> images =
                source.config().vision().isPresent() && source instanceof FolderModel folder
                        ? ImagePipeline.open(folder.path(), options)
                        : Optional.empty();
        boolean caches = config.imageCacheDir().isPresent();
        if (images.isEmpty() && (caches || !options.equals(ImagePipeline.Options.DEFAULT))) {
            throw ConfigException.about(
                    caches
                            ? "image_cache_dir"
                            : config.imageSettings().isEmpty() ? "image_backend" : "image_settings",
                    config.modelNameOrPath() + " sees no pictures here; leave the key out");
        }
        return images;
    }

    /// How the model is told of tools, asks for them and reads what they answer.
    ///
    /// @param trlCompat whether turns are read as TRL does, faults included
    /// @throws org.attune.error.ConfigException if `tool_protocol` needs what the model doesn't
    ///     have
    public synchronized ToolProtocol toolProtocol(boolean trlCompat) {
        text();
        return modelText.protocol(trlCompat);
    }

    /// The adapter to start from.
    public Optional<AdapterFolder> adapter() {
        return adapter;
    }

    /// Writes tokenizer and chat template into a folder where they aren't the model's own.
    public void writeText(Path folder) throws IOException {
        if (modelText.mayDiffer()) {
            modelText.write(text(), folder);
        }
    }

    /// Writes what the head is for, as the adapter's folder says it or else the model's, into the
    /// folder of a model that is made of them.
    public void writeHead(Path folder) throws IOException {
        HeadFiles.copy(headFolder(), folder);
    }

    /// Writes the model's tokenizer into the folder of an adapter that is to stand alone; nothing
    /// where the model is a GGUF file.
    public void writeTokenizer(Path folder) throws IOException {
        HeadFiles.copyTokenizer(source.path(), folder);
    }

    /// Whether the model scores a query with a document, each encoded on its own and joined.
    public boolean ranks() {
        return HeadFiles.ranks(headFolder());
    }

    /// The adapter's folder, or else the model's, which says what the head is for.
    public Path headFolder() {
        return adapter.map(AdapterFolder::path).orElseGet(() -> source.path());
    }

    /// Whether the model's weights are loaded in seconds.
    public boolean isSmall() {
        return source.config().productNumbers() <= MOST_SMALL;
    }

    /// Where the run computes.
    public Device device() {
        return Device.parse(config.device());
    }

    /// The number format of frozen weights and products.
    public DType dtype() {
        return switch (config.dtype()) {
            case AUTO -> Engine.fastestDtype(device());
            case FLOAT32 -> DType.FLOAT32;
            case BFLOAT16 -> DType.BFLOAT16;
        };
    }

    /// How frozen weights of linear layers are kept: as configured, but never brought to few bits
    /// where a folder holds them so already.
    ///
    /// @throws ConfigException if the device can't compute with them
    public Storage storage() {
        Storage asked = config.quantization();
        if (asked == Storage.NONE || asked == Storage.AUTO && (gguf() || device().isGpu())) {
            return Storage.NONE;
        }
        if (device().isGpu()) {
            throw ConfigException.about(
                    "quantization",
                    asked.name().toLowerCase(Locale.ROOT)
                            + "; accepted on a GPU: none. Weights in few bits are computed with on"
                            + " processors");
        }
        if (asked.quantises()) {
            return !gguf() && holdsBits() ? Storage.KEEP : asked;
        }
        return holdsBits() ? Storage.KEEP : Storage.NONE;
    }

    private boolean gguf() {
        return source instanceof GgufModel;
    }

    private boolean holdsBits() {
        return Decoder.isStoredInFewBits(source.config(), source.tensors());
    }

    /// Whether sequences may share the computation of a common beginning: not where positions
    /// depend on the length of the whole sequence.
    public boolean sharesPrompts() {
        return !source.config().positions().dependsOnLength();
    }

    /// Labels of a model that scores sequences or steps, its adapter considered; 0 of one that
    /// predicts tokens.
    public int labels() {
        if (source.config().scores()
                || adapter.isEmpty()
                || !adapter.get().config().isClassifier()) {
            return source.config().labels();
        }
        String name = AdapterTarget.nameOfSaved(TensorNames.SCORE + ".weight");
        TensorFile.Entry head = adapter.get().tensors().entries().get(name);
        if (head == null || head.shape().length != 2) {
            throw new ModelException(
                    ("%s is an adapter of the type %s on a model without a score head, but holds no"
                                    + " \"%s\" itself; save it with modules_to_save: [score]")
                            .formatted(
                                    adapter.get().path(), adapter.get().config().taskType(), name));
        }
        return Math.toIntExact(head.shape()[0]);
    }

    /// Names of the labels, by their numbers: those of the model's folder or the adapter's, else
    /// transformers' `LABEL_0` and so on.
    public List<String> labelNames() {
        List<String> names =
                ofLabels(file -> file.object("id2label"))
                        .map(
                                given ->
                                        IntStream.range(0, given.keys().size())
                                                .mapToObj(id -> given.text("" + id))
                                                .toList())
                        .orElse(List.of());
        return names.size() == labels()
                ? names
                : IntStream.range(0, labels()).mapToObj(id -> "LABEL_" + id).toList();
    }

    /// How the labels were learnt, by transformers' name, where the model's folder or the adapter's
    /// says it.
    public Optional<String> problemType() {
        return ofLabels(file -> file.optionalText("problem_type"));
    }

    private <T> Optional<T> ofLabels(Function<JsonFields, Optional<T>> read) {
        return Stream.of(LABELS_FILE, "config.json")
                .map(headFolder()::resolve)
                .filter(Files::exists)
                .flatMap(file -> read.apply(JsonFields.read(file)).stream())
                .findFirst();
    }

    /// What a model with [#labels] scores.
    public ScoreKind scoreKind() {
        if (source.config().scores() || adapter.isEmpty()) {
            return source.config().scoreKind();
        }
        return adapter.get().config().taskType().equals(AdapterConfig.TOKEN_CLS)
                ? ScoreKind.TOKEN
                : ScoreKind.SEQUENCE;
    }

    /// Loads the weights of a causal language model anew. The caller owns the result; on the engine
    /// thread.
    ///
    /// @throws ModelException if model or adapter scores sequences instead
    public Decoder loadDecoder() {
        predicting();
        return loadAsIs();
    }

    /// The shape of a causal language model, as it is loaded.
    ///
    /// @throws ModelException if model or adapter scores sequences instead
    public DecoderConfig predicting() {
        if (labels() > 0) {
            throw new ModelException(
                    ("%s scores sequences (it is a reward model or classifier), but here text is"
                         + " predicted; give a causal language model. Reward models are trained"
                         + " with attune reward and used in reward_funcs")
                            .formatted(
                                    source.config().scores()
                                            ? source.path()
                                            : adapter.orElseThrow().path()));
        }
        return source.config();
    }

    /// Loads the weights anew, whether the model predicts or scores. The caller owns the result; on
    /// the engine thread.
    public Decoder loadAsIs() {
        return labels() > source.config().labels()
                ? loadWithHead(scoreKind(), labels(), 0) // the adapter brings the head's values
                : load(source.config(), source.tensors());
    }

    /// Loads the weights of a reward model anew. A causal language model gets a new score head.
    /// The caller owns the result; on the engine thread.
    ///
    /// @param purpose what it must score
    /// @param seed of the new head
    /// @throws ModelException if the model scores something else
    public Decoder loadScorer(ScorerPurpose purpose, long seed) {
        requireFits(purpose);
        if (labels() == 0) {
            LOG.info(
                    "{} has no score head; it gets a new one, drawn from a normal distribution with"
                            + " standard deviation {} and seed {}",
                    source.nameOrPath(),
                    initializerRange(),
                    seed);
            return loadWithHead(purpose.kind(), purpose.labels(), seed);
        }
        return loadAsIs();
    }

    /// The shape of a model that scores, as [#loadScorer] loads it.
    ///
    /// @throws ModelException if the model scores something else
    public DecoderConfig scoring(ScorerPurpose purpose) {
        requireFits(purpose);
        return labels() == 0
                ? source.config().withScores(purpose.kind(), purpose.labels())
                : source.config().withScores(scoreKind(), labels());
    }

    private void requireFits(ScorerPurpose purpose) {
        int labels = labels();
        if (labels > 0 && !purpose.fits(scoreKind(), labels)) {
            throw new ModelException(
                    "%s is a %s; %s"
                            .formatted(
                                    source.path(),
                                    ScorerPurpose.described(scoreKind(), labels),
                                    purpose.wanted()));
        }
    }

    /// Whether an adapter that scores stands on the base model of another setup, and computes where
    /// and in the format in which that does.
    public boolean scoresOnBaseOf(ModelSetup other) {
        return adapter.isPresent() && labels() > 0 && other.labels() == 0 && hasBaseOf(other);
    }

    /// Whether the base model is that of another setup, and computes where and in the format in
    /// which that does.
    public boolean hasBaseOf(ModelSetup other) {
        return source.config().equals(other.source.config())
                && isSamePath(source.path(), other.source.path())
                && device().equals(other.device())
                && dtype() == other.dtype()
                && storage() == other.storage();
    }

    private static boolean isSamePath(Path one, Path other) {
        try {
            return Files.isSameFile(one, other);
        } catch (IOException e) {
            return false; // then it is loaded on its own, which says what is wrong
        }
    }

    /// The head that the adapter brings, on weights that are loaded already.
    ///
    /// @param trunk of a setup on whose base this one [scores][#scoresOnBaseOf]; borrowed
    public Decoder scorerOn(Decoder trunk) {
        DecoderConfig config = source.config().withScores(scoreKind(), labels());
        return Decoder.scorerOn(trunk, config, freshScore(config, 0));
    }

    /// The scorer that [#loadScorer] gives, on weights that are loaded already.
    ///
    /// @param trunk of a setup whose base this one [has][#hasBaseOf]; borrowed
    /// @throws ModelException if the model scores something else
    public Decoder loadScorerOn(Decoder trunk, ScorerPurpose purpose, long seed) {
        requireFits(purpose);
        DecoderConfig config = source.config().withScores(purpose.kind(), purpose.labels());
        return Decoder.scorerOn(trunk, config, freshScore(config, seed));
    }

    private Decoder loadWithHead(ScoreKind kind, int labels, long seed) {
        DecoderConfig config = source.config().withScores(kind, labels);
        return load(config, freshScore(config, seed));
    }

    private FreshScore freshScore(DecoderConfig config, long seed) {
        var random = RandomSource.XO_SHI_RO_256_PP.create(seed);
        return new FreshScore(source.tensors(), config, initializerRange(), random);
    }

    /// A new score head for the model, with the model's own tensors beside it.
    ///
    /// @param seed of its values
    public TensorFile freshHead(long seed) {
        return freshScore(source.config().withLabels(1), seed);
    }

    private double initializerRange() {
        return source instanceof FolderModel folder
                ? JsonFields.read(folder.path().resolve("config.json"))
                        .number("initializer_range", INITIALIZER_RANGE)
                : INITIALIZER_RANGE;
    }

    private Decoder load(DecoderConfig config, TensorFile tensors) {
        Engine.suitThreads(config.hiddenSize() <= SMALL_WIDTH);
        Storage storage = storage();
        if (!device().isGpu() && storage == Storage.NONE) {
            AddressSpace.own()
                    .require(
                            "the model's weights alone", config.productNumbers() * dtype().bytes());
        }
        PlainPasses.sayWhy(source.nameOrPath(), config);
        Supplier<Decoder> load = () -> Decoder.load(config, tensors, device(), dtype(), storage);
        Decoder decoder = isSmall() ? Engine.leavingCores(load) : load.get();
        decoder.storage().ifPresent(what -> LOG.info("{}: {}", source.nameOrPath(), what));
        if (config.vision().isPresent() && source instanceof FolderModel folder) {
            String settings = FileFingerprint.of(folder.path().resolve("config.json"));
            this.config.imageCacheDir().ifPresent(dir -> decoder.keepSeen(dir, settings));
        }
        return decoder;
    }

    /// Tells this model and adapter apart from others, by the size and parts of their files.
    public String fingerprint() {
        var print = new FileFingerprint();
        print.add(source.path());
        print.add(source.repeated());
        adapter.ifPresent(folder -> print.add(folder.path()));
        return print.hex();
    }

    /// Tells this model apart from others by every byte of its files, and by where and in which
    /// format it is computed.
    ///
    /// @param withAdapter whether the adapter's files count too
    public String contentHash(boolean withAdapter) {
        FileFingerprint print = FileFingerprint.ofWholeFiles();
        print.add(source.path());
        if (withAdapter) {
            adapter.ifPresent(folder -> print.add(folder.path()));
        }
        String kind = device().kind().name().toUpperCase(Locale.ROOT);
        print.add(source.repeated());
        String where = "%s, %s on %s".formatted(print.hex(), dtype(), kind);
        return storage() == Storage.NONE ? where : where + " from " + storage();
    }

    @Override
    public void close() {
        adapter.ifPresent(AdapterFolder::close);
        if (text != null) {
            text.close();
        }
        source.close();
    }
}
