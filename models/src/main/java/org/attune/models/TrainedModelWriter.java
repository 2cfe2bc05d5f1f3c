package org.attune.models;

import org.attune.checkpoint.ModelWriter;
import org.attune.files.AtomicFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Storage;
import org.attune.model.source.GgufModel;
import org.attune.model.source.ModelExport;
import org.attune.policy.Policy;
import org.attune.policy.ValueHead;
import org.attune.tensor.DType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/// Writes what was trained so that PEFT or transformers load it: an adapter folder with a page
/// that says how to use it, or a whole model in float32.
public final class TrainedModelWriter implements ModelWriter {
    private final ModelSetup model;
    private final Policy policy;
    private final Optional<ValueHead> head;

    public TrainedModelWriter(ModelSetup model, Policy policy) {
        this(model, policy, Optional.empty());
    }

    /// @param head on the policy's trunk: what is written is a model of both, which scores
    public TrainedModelWriter(ModelSetup model, Policy policy, Optional<ValueHead> head) {
        this.model = model;
        this.policy = policy;
        this.head = head;
    }

    @Override
    public void write(Path folder) throws IOException {
        if (policy.adapter().isPresent()) {
            String base = model.source().nameOrPath();
            if (head.isPresent()) {
                policy.saveScorer(folder, base, head.get());
            } else {
                policy.saveAdapter(folder, base);
            }
            AtomicFile.writeText(folder.resolve("README.md"), page());
        } else {
            writeWhole(folder);
        }
        model.writeText(folder);
    }

    /// A model is written whole into its own folder, then its files take their places.
    private void writeWhole(Path folder) throws IOException {
        Path apart = folder.resolve(".model");
        ModelExport.write(
                apart,
                model.source(),
                head.isPresent()
                        ? policy.mergedConfig(DType.FLOAT32).withLabels(1)
                        : policy.mergedConfig(DType.FLOAT32),
                weights(),
                ModelExport.DEFAULT_SHARD_BYTES);
        for (Path file : files(apart)) {
            Files.move(
                    file,
                    folder.resolve(file.getFileName()),
                    StandardCopyOption.REPLACE_EXISTING,
                    StandardCopyOption.ATOMIC_MOVE);
        }
        Files.delete(apart);
    }

    private List<SafeTensorsWriter.Source> weights() {
        List<SafeTensorsWriter.Source> weights = new ArrayList<>(policy.weights(DType.FLOAT32));
        head.ifPresent(
                own -> {
                    String output = policy.decoder().config().names().head();
                    weights.removeIf(w -> w.name().startsWith(output + "."));
                    weights.add(own.source(ValueHead.modelName()));
                });
        return weights;
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.toList();
        }
    }

    /// How to have the base in the few bits that were trained on.
    private String fewBits() {
        Storage storage = model.storage();
        if (!storage.quantises()) {
            return "";
        }
        String kind = storage.name().toLowerCase(Locale.ROOT);
        return """
        The base's linear layers were in few bits while this was trained (`quantization: %s`), and are off from the dense ones. Commands take `--quantization %s` to compute with the same numbers: `attune merge` then writes them with the adapter, `attune export` without it.

        """
                .formatted(kind, kind);
    }

    private String page() {
        String base = model.source().nameOrPath();
        String folder = "BASE";
        String export =
                model.source() instanceof GgufModel
                        ? """
                        The base is a GGUF file. For Python, write it as a folder first, with the numbers this adapter was trained on:

                            attune export --model %s --output BASE

                        """
                                .formatted(base)
                        : "";
        if (export.isEmpty()) {
            folder = base;
        }
        export = fewBits() + export;
        if (head.isPresent()) {
            return scorerPage(policy.decoder().config().withLabels(1), base, export, folder);
        }
        if (policy.decoder().config().scores()) {
            return scorerPage(policy.decoder().config(), base, export, folder);
        }
        boolean sees = policy.decoder().config().vision().isPresent();
        String loader = "AutoModelFor" + (sees ? "ImageTextToText" : "CausalLM");
        String reader = sees ? "AutoProcessor" : "AutoTokenizer";
        String read = sees ? "processor" : "tokenizer";
        return """
        # Adapter for %s

        %sIn Python:

            from peft import PeftModel
            from transformers import %s, %s
            model = PeftModel.from_pretrained(%s.from_pretrained("%s"), "PATH OF THIS FOLDER")
            %s = %s.from_pretrained("%s")

        With Attune: `attune chat --model %s --adapter FOLDER`; `attune merge` makes one model of both.
        """
                .formatted(
                        base, export, loader, reader, loader, folder, read, reader, folder, base);
    }

    private static String scorerPage(
            DecoderConfig config, String base, String export, String folder) {
        String title =
                switch (config.scoreKind()) {
                    case SEQUENCE -> "Model that scores sequences";
                    case TOKEN -> "Model that scores tokens";
                };
        String loader = "AutoModel" + config.scoreKind().classSuffix();
        String lacking =
                config.vision().isEmpty()
                        ? ""
                        : """

                        transformers 5.24 has such a class for Gemma 3 with pictures, for sequences, and for no other model that sees. Attune's commands load the adapter of each.
                        """;
        return """
        # %s: adapter with a score head for %s

        %sIn Python:

            from peft import PeftModel
            from transformers import %s, AutoTokenizer
            base = %s.from_pretrained("%s", num_labels=%d)
            model = PeftModel.from_pretrained(base, "PATH OF THIS FOLDER")
            tokenizer = AutoTokenizer.from_pretrained("%s")
        %s
        `attune merge --model %s --adapter FOLDER --output DIR` makes one model of both.
        """
                .formatted(
                        title,
                        base,
                        export,
                        loader,
                        loader,
                        folder,
                        config.labels(),
                        folder,
                        lacking,
                        base);
    }
}
