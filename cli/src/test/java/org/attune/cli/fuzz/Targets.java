package org.attune.cli.fuzz;

import org.attune.adapter.AdapterFolder;
import org.attune.files.SafeTensorsFile;
import org.attune.files.TensorFile;
import org.attune.model.DecoderConfig;
import org.attune.model.GenerationConfig;
import org.attune.model.ModelSource;
import org.attune.text.ChatTemplate;
import org.attune.text.Conversation;
import org.attune.text.HfTokenizer;
import org.attune.text.Message;
import org.attune.text.TextAssets;
import org.attune.text.Tokenizer;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/// Everything that reads what strangers may have written.
final class Targets {
    private static final String TEXT = "ab a\n  12 <s> <pad> é 😀 \0 x'll a\u0301b   ";

    private Targets() {}

    static List<Target> all() {
        return List.of(
                new Target("config", ModelSamples.configs(), Targets::config),
                new Target("model", ModelSamples.folders(), Targets::model),
                new Target("gguf", ModelSamples.ggufs(), Targets::gguf),
                new Target("adapter", ModelSamples.adapters(), Targets::adapter),
                new Target("tokenizer", TokenizerSamples.all(), Targets::text));
    }

    static String allNames() {
        return all().stream().map(Target::name).collect(Collectors.joining(","));
    }

    /// @param names separated by commas
    static List<Target> named(String names) {
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
        GenerationConfig.read(folder);
        try (ModelSource source = ModelSource.open(folder.toString())) {
            tensors(source.tensors());
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

    private static void gguf(Path folder) {
        try (ModelSource source = ModelSource.open(folder.resolve("model.gguf").toString())) {
            tensors(source.tensors());
            try (TextAssets text = source.openText()) {
                use(text);
            }
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
}
