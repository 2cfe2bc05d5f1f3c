package org.attune.model.layer;

import org.attune.files.FewBits;
import org.attune.files.TensorFile;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.TensorNames;
import org.attune.tensor.DType;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/// Tensors of a file that calls the trunk otherwise, under the family's names. GPT-2's original
/// files leave its name out. Models of text and images have it inside of `model.language_model.`,
/// and of their files only the text model's tensors are here. Borrows the file.
///
/// @param file    the other names
/// @param own     name in the file of each tensor
/// @param entries under the family's names
record FamilyPrefix(TensorFile file, Map<String, String> own, Map<String, TensorFile.Entry> entries)
        implements TensorFile {
    private static final String TEXT = "model.language_model.";

    /// The file under the family's names: itself, if it has them.
    static TensorFile added(DecoderConfig config, TensorFile file) {
        TensorNames names = config.names();
        TensorFile whole =
                config.vision().map(v -> renamed(file, v.names()::ofModule)).orElse(file);
        TensorFile own = prefixed(names, whole);
        TensorFile modules = names.inFiles().isEmpty() ? own : renamed(own, names::ofModule);
        List<Integer> originals = config.block().mixers().originals();
        return originals.isEmpty() ? modules : repeated(modules, names, originals);
    }

    /// Tensors of blocks that stand several times, under the name of each.
    private static TensorFile repeated(
            TensorFile file, TensorNames names, List<Integer> originals) {
        Map<String, String> own = new LinkedHashMap<>();
        String blocks = names.block(0).replaceFirst("0\\.$", "");
        file.entries().keySet().stream()
                .filter(name -> !name.startsWith(blocks))
                .forEach(name -> own.put(name, name));
        for (int layer = 0; layer < originals.size(); layer++) {
            String block = names.block(layer);
            String original = names.block(originals.get(layer));
            file.entries().keySet().stream()
                    .filter(name -> name.startsWith(original))
                    .forEach(name -> own.put(block + name.substring(original.length()), name));
        }
        Map<String, Entry> entries = new LinkedHashMap<>();
        own.forEach(
                (name, stored) -> {
                    Entry entry = file.entries().get(stored);
                    entries.put(name, new Entry(name, entry.dtype(), entry.shape()));
                });
        return new FamilyPrefix(file, own, entries);
    }

    /// Tensors under the names of modules.
    private static TensorFile renamed(TensorFile file, UnaryOperator<String> ofModule) {
        Map<String, String> own = new LinkedHashMap<>();
        Map<String, Entry> entries = new LinkedHashMap<>();
        file.entries()
                .forEach(
                        (name, entry) -> {
                            String module = ofModule.apply(name);
                            own.put(module, name);
                            entries.put(module, new Entry(module, entry.dtype(), entry.shape()));
                        });
        return new FamilyPrefix(file, own, entries);
    }

    private static TensorFile prefixed(TensorNames names, TensorFile file) {
        String prefix = names.trunk() + ".";
        String inTrunk = names.embeddingPath().substring(prefix.length()) + ".weight";
        if (file.entries().containsKey(prefix + inTrunk)) {
            return file;
        }
        if (file.entries().containsKey(TEXT + inTrunk)) {
            return of(names, file, TEXT);
        }
        return file.entries().containsKey(inTrunk) ? of(names, file, "") : file;
    }

    /// @param theirs stands in the file in place of the trunk's name
    private static TensorFile of(TensorNames names, TensorFile file, String theirs) {
        Map<String, String> own = new LinkedHashMap<>();
        Map<String, Entry> entries = new LinkedHashMap<>();
        file.entries()
                .forEach(
                        (name, entry) -> {
                            boolean output = isOutput(names, name);
                            if (!output && !name.startsWith(theirs)) {
                                return; // of another part than the text model
                            }
                            String rest = output ? "" : name.substring(theirs.length());
                            String whole = output ? name : names.trunk() + "." + rest;
                            own.put(whole, name);
                            entries.put(whole, new Entry(whole, entry.dtype(), entry.shape()));
                        });
        return new FamilyPrefix(file, own, entries);
    }

    private static boolean isOutput(TensorNames names, String name) {
        return name.startsWith(names.head() + ".") || name.startsWith(TensorNames.SCORE + ".");
    }

    private String inFile(String name) {
        return own.getOrDefault(name, name);
    }

    @Override
    public MemorySegment read(String name, Arena arena) {
        return file.read(inFile(name), arena);
    }

    @Override
    public boolean gives(String name, DType as) {
        return file.gives(inFile(name), as);
    }

    @Override
    public void read(String name, DType as, MemorySegment target) {
        file.read(inFile(name), as, target);
    }

    @Override
    public Optional<FewBits> bits(String name) {
        return file.bits(inFile(name));
    }

    @Override
    public void close() {
        file.close();
    }
}
