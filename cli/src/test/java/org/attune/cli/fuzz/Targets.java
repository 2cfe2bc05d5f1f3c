package org.attune.cli.fuzz;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import org.attune.adapter.AdapterFolder;
import org.attune.checkpoint.CheckpointStore;
import org.attune.cli.config.RunConfigReader;
import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.DatasetLoader;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.SplitSpec;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.rows.RowFiles;
import org.attune.error.ConfigException;
import org.attune.error.DatasetException;
import org.attune.files.HubCache;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.images.ImagePipeline;
import org.attune.images.Picture;
import org.attune.images.SeenPicture;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.GenerationDefaults;
import org.attune.model.layer.Decoder;
import org.attune.model.source.ModelSource;
import org.attune.rollout.source.RecordedRollouts;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.text.ChatTemplate;
import org.attune.text.Conversation;
import org.attune.text.HfTokenizer;
import org.attune.text.JinjaChatTemplate;
import org.attune.text.Message;
import org.attune.text.SpecialTokens;
import org.attune.text.TextAssets;
import org.attune.text.Tokenizer;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.examples.SftExample;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.prepare.SampleTokenizer;
import org.attune.trainers.prepare.SftOptions;
import org.attune.trainers.prepare.SftPreparation;
import org.attune.trainers.run.Methods;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;

/// Everything that reads what strangers may have written.
final class Targets {
    private static final String TEXT = "ab a\n  12 <s> <pad> é 😀 \0 x'll a\u0301b   ";

    private Targets() {}

    static List<Target> all() {
        return List.of(
                new Target("config", ModelSamples.configs(), 64, Targets::config),
                new Target("model", ModelSamples.folders(), 64, Targets::model),
                new Target("gguf", ModelSamples.ggufs(), 64, Targets::gguf),
                new Target("adapter", ModelSamples.adapters(), 64, Targets::adapter),
                new Target("tokenizer", TokenizerSamples.all(), 64, Targets::text),
                new Target("template", TemplateSamples.all(), 20_000, Targets::template),
                new Target("rows", DataSamples.rows(), 64, Targets::rows),
                new Target("picture", PictureSamples.files(), 64, Targets::picture),
                new Target("pictures", PictureSamples.rows(), 64, Targets::pictures),
                new Target("dataset", DataSamples.dataSets(), 64, Targets::dataSet),
                new Target("run", DataSamples.runs(), 1000, Targets::run),
                new Target("rounds", DataSamples.rounds(), 64, Targets::rounds),
                new Target("server", ServerAnswer.samples(), 64, ServerAnswer::read),
                new Target("checkpoint", DataSamples.checkpoints(), 64, Targets::checkpoint));
    }

    /// @param names separated by commas; `all` is all
    static List<Target> named(String names) {
        if (names.equals("all")) {
            return all();
        }
        List<String> wanted = Arrays.asList(names.split(","));
        return all().stream().filter(target -> wanted.contains(target.name())).toList();
    }

    private static void config(Path folder) {
        DecoderConfig config = DecoderConfig.read(folder);
        for (int layer = 0; layer < Math.min(100, config.layers()); layer++) {
            config.window(layer);
        }
        config.productNumbers();
    }

    private static void model(Path folder) {
        GenerationDefaults.read(folder);
        try (ModelSource source = ModelSource.open(folder.toString())) {
            tensors(source.tensors());
            load(source);
        }
        try (SafeTensorsFile file = SafeTensorsFile.open(folder)) {
            tensors(file);
        }
    }

    private static void tensors(TensorFile file) {
        for (TensorFile.Entry entry : file.entries().values()) {
            try (Arena arena = Arena.ofConfined()) {
                file.read(entry.name(), arena);
            }
        }
    }

    private static void load(ModelSource source) {
        Engine.run(
                () -> {
                    Decoder decoder =
                            Decoder.load(
                                    source.config(), source.tensors(), Device.cpu(), DType.FLOAT32);
                    decoder.close();
                });
    }

    private static void gguf(Path folder) {
        try (ModelSource source = ModelSource.open(folder.resolve("model.gguf").toString())) {
            tensors(source.tensors());
            try (TextAssets text = source.openText()) {
                use(text);
            }
            load(source);
        }
    }

    private static void adapter(Path folder) {
        try (AdapterFolder adapter = AdapterFolder.open(folder)) {
            tensors(adapter.tensors());
            adapter.config()
                    .matchAll(
                            List.of(
                                    "model.layers.0.self_attn.q_proj",
                                    "model.layers.1.self_attn.k_proj",
                                    "model.layers.1.mlp.down_proj",
                                    "lm_head"));
            adapter.config().savesWhole("model.norm", true);
        }
    }

    private static void text(Path folder) {
        try (TextAssets text = TextAssets.load(folder)) {
            use(text);
        }
    }

    private static void use(TextAssets text) {
        HfTokenizer tokenizer = text.tokenizer();
        int[] ids = tokenizer.encode(TEXT, true);
        tokenizer.encodeWithOffsets(TEXT, false);
        tokenizer.encodeAsText(TEXT);
        tokenizer.decode(ids, true);
        tokenizer.decode(new int[] {0, 1, tokenizer.vocabularySize(), 1 << 30}, false);
        Tokenizer.StreamDecoder stream = tokenizer.streamDecoder(false);
        for (int id : ids) {
            stream.push(id);
            tokenizer.token(id);
        }
        stream.flush();
        Conversation conversation = Conversation.of(List.of(Message.of("user", "ab <s>")));
        if (text.template().isPresent()) {
            text.chat()
                    .sanitizingControlTokens()
                    .encodeWithMask(conversation, ChatTemplate.Tail.NOTHING);
        }
    }

    private static void template(Path folder) throws IOException {
        String source = Files.readString(folder.resolve("chat_template.jinja"), ISO_8859_1);
        ChatTemplate template =
                JinjaChatTemplate.compile(
                        "chat_template.jinja",
                        source,
                        new SpecialTokens(Map.of("eos_token", "<end>")));
        var call = Map.of("function", Map.of("name", "f", "arguments", Map.of("x", 1L)));
        var conversation =
                new Conversation(
                        List.of(
                                Message.of("system", "Be brief."),
                                Message.of("user", "a\nb & <c>"),
                                new Message(
                                        Map.of(
                                                "role",
                                                "assistant",
                                                "content",
                                                "d",
                                                "tool_calls",
                                                List.of(call)))),
                        List.of(Map.of("type", "function", "function", Map.of("name", "f"))),
                        Map.of());
        template.render(conversation, ChatTemplate.Tail.GENERATION_PROMPT);
    }

    private static void rows(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                RowFiles.readAll(file);
            }
        }
    }

    /// WebP needs a plug-in, which isn't there.
    private static void picture(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Picture picture = Picture.at(file.getFileName().toString(), file);
                try {
                    picture.size();
                    picture.thumbnail(8);
                } catch (DatasetException e) {
                    if (!file.toString().endsWith(".webp")) {
                        throw e;
                    }
                }
            }
        }
    }

    private static void pictures(Path folder) {
        List<org.attune.datasets.formats.Sample> rows =
                new DatasetLoader(folder, new HubCache(folder), BadRowPolicy.ERROR)
                        .seeing(true)
                        .load(
                                List.of(DatasetSource.of(folder.resolve("rows.jsonl").toString())),
                                EnumSet.allOf(DatasetType.class))
                        .samples();
        Optional<ImagePipeline> images = ImagePipeline.open(folder, ImagePipeline.Options.DEFAULT);
        if (images.isEmpty()) {
            return; // the files say nothing of pictures
        }
        try (TextAssets text = TextAssets.load(folder)) {
            var tokenizer =
                    new SampleTokenizer(text.tokenizer(), text.template()).seeing(images.get());
            var prepared =
                    new SftPreparation(tokenizer, SftOptions.DEFAULTS, BadRowPolicy.ERROR)
                            .prepare(rows, 1);
            for (PackedRow row : prepared.rows()) {
                for (SftExample example : row.documents()) {
                    Arrays.stream(example.ids())
                            .filter(SeenPicture::isRow)
                            .mapToObj(id -> SeenPicture.at(id).picture())
                            .distinct()
                            .map(picture -> picture.prepared().get())
                            .forEach(Objects::requireNonNull);
                }
            }
        }
    }

    private static void dataSet(Path folder) {
        boolean described = Files.exists(folder.resolve("dataset_info.json"));
        var source =
                new DatasetSource(
                        folder.toString(),
                        described ? Optional.of("demo") : Optional.empty(),
                        Optional.empty(),
                        SplitSpec.TRAIN,
                        Map.of());
        new DatasetLoader(folder, new HubCache(folder), BadRowPolicy.ERROR)
                .load(List.of(source), EnumSet.allOf(DatasetType.class));
    }

    private static void run(Path folder) {
        Path file = folder.resolve("run.yaml");
        var reader = new RunConfigReader();
        for (TrainingMethod<?, ?> method : Methods.all()) {
            try {
                reader.read(method, file, List.of("max_steps=3"));
            } catch (ConfigException e) {
                Trial.requireReadable(e); // the other methods may accept the file
            }
        }
    }

    private static void rounds(Path folder) {
        var rounds = new RecordedRollouts(folder.resolve("rounds.jsonl"), 8, Set.of(4));
        rounds.order(0);
        rounds.rewardWeights();
    }

    private static void checkpoint(Path folder) {
        new CheckpointStore(folder, OptionalInt.empty())
                .newest()
                .ifPresent(
                        checkpoint -> {
                            checkpoint.requireSameRun(checkpoint.state().identity(), Set.of());
                            try (TensorFile optimizer = checkpoint.optimizer()) {
                                tensors(optimizer);
                            }
                        });
    }
}
