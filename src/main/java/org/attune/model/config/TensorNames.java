package org.attune.model.config;

import java.util.List;
import java.util.Optional;

/// How the files of a family call a decoder's tensors, without `.weight` and `.bias`.
///
/// @param trunk       path of everything but the output layer
/// @param head        path of the output layer
/// @param embedding   of tokens, in the trunk
/// @param positions   learned embedding of positions, in the trunk
/// @param layers      list of blocks, in the trunk
/// @param finalNorm   norm behind the last block, in the trunk
/// @param norms       of a block, in the order in which they are computed
/// @param qkv         projections of a block's queries, keys and values: three, or one of all
/// @param qkvByHead   whether one of all has the rows of a head side by side: its query, key and
///     value
/// @param qkNorms     norms of queries and of keys, where there are such
/// @param innerNorms  norms of what the last projections of attention and of the feed-forward part
///     read, where there are such
/// @param output      output projection of attention
/// @param up          projections into the feed-forward part, the gate first
/// @param down        projection out of it
/// @param transposed  whether files hold the blocks' matrices as `(in, out)`, as layers of
///     transformers' class `Conv1D` do
/// @param padRowStays whether the padding token's row of the embedding learns nothing where it is
///     read
/// @param experts     names of experts, in families that have some
/// @param state       names of a mixer with a state, in families that have one
/// @param inFiles     what files call otherwise than transformers' modules, whose names these are
public record TensorNames(
        String trunk,
        String head,
        String embedding,
        Optional<String> positions,
        String layers,
        String finalNorm,
        List<String> norms,
        List<String> qkv,
        boolean qkvByHead,
        List<String> qkNorms,
        List<String> innerNorms,
        String output,
        List<String> up,
        String down,
        boolean transposed,
        boolean padRowStays,
        Optional<Experts> experts,
        Optional<State> state,
        List<InFile> inFiles) {
    /// Path of an activation that has weights, in a block.
    public String activation() {
        return down.substring(0, down.lastIndexOf('.') + 1) + "act_fn";
    }

    /// Path of the output layer of models that score.
    public static final String SCORE = "score";

    /// Names of experts in a block.
    ///
    /// @param router chooses them
    /// @param list of them, by number
    /// @param up projections into one, the gate first
    /// @param down projection out of one
    /// @param shared names of the expert that every token takes, in families that may have one
    /// @param correction what is added to scores when experts are chosen, a whole name; or empty
    /// @param stored how the family's files hold all of a block in two tensors, if they do
    public record Experts(
            String router,
            String list,
            List<String> up,
            String down,
            Optional<Shared> shared,
            String correction,
            Optional<Stored> stored) {
        /// Whether a gate says how much of the shared expert a token takes.
        public boolean hasSharedGate() {
            return shared.isPresent() && !shared.get().gate().isEmpty();
        }
    }

    /// Names of the expert that every token takes.
    ///
    /// @param path of it
    /// @param up projections into it, the gate first, or one of both
    /// @param down projection out of it
    /// @param gate says how much of it a token takes, in the block; or empty
    public record Shared(String path, List<String> up, String down, String gate) {}

    /// All experts of a block in two tensors, `(E, 2F, D)` with the rows of the gate first, and
    /// `(E, D, F)`. Biases, where experts have some, stand in `(E, 2F)` and `(E, D)`, which are
    /// called as these tensors with `_bias` behind it.
    ///
    /// @param up name of the first, with `.weight` where it has that
    /// @param down name of the second
    /// @param transposed whether they are `(E, D, 2F)` and `(E, F, D)`
    /// @param interleaved whether each row of the gate has the other projection's beside it
    /// @param linearRouter whether the router is a linear module, which adapters may name
    public record Stored(
            String up,
            String down,
            boolean transposed,
            boolean interleaved,
            boolean linearRouter) {}

    /// Names of a mixer with a state.
    ///
    /// @param path of it in a block
    /// @param in projections into it
    /// @param convolution over the last tokens
    /// @param norm of what it gives, where there is one
    /// @param out projection out of it
    public record State(
            String path, List<String> in, String convolution, String norm, String out) {}

    /// A name that files have in place of a module's. Adapters have the module's.
    ///
    /// @param module how names in a block begin
    /// @param file   how they begin in files
    /// @param written whether files are written so; else they are only read
    public record InFile(String module, String file, boolean written) {}

    /// Llama's.
    static final TensorNames LLAMA =
            new TensorNames(
                    "model",
                    "lm_head",
                    "embed_tokens",
                    Optional.empty(),
                    "layers",
                    "norm",
                    List.of("input_layernorm", "post_attention_layernorm"),
                    List.of("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
                    false,
                    List.of("self_attn.q_norm", "self_attn.k_norm"),
                    List.of(),
                    "self_attn.o_proj",
                    List.of("mlp.gate_proj", "mlp.up_proj"),
                    "mlp.down_proj",
                    false,
                    true,
                    Optional.empty(),
                    Optional.empty(),
                    List.of());

    /// GPT-2's.
    static final TensorNames GPT2 =
            new TensorNames(
                    "transformer",
                    "lm_head",
                    "wte",
                    Optional.of("wpe"),
                    "h",
                    "ln_f",
                    List.of("ln_1", "ln_2"),
                    List.of("attn.c_attn"),
                    false,
                    List.of(),
                    List.of(),
                    "attn.c_proj",
                    List.of("mlp.c_fc"),
                    "mlp.c_proj",
                    true,
                    false,
                    Optional.empty(),
                    Optional.empty(),
                    List.of());

    /// GPT-NeoX's.
    static final TensorNames GPT_NEOX =
            new TensorNames(
                    "gpt_neox",
                    "embed_out",
                    "embed_in",
                    Optional.empty(),
                    "layers",
                    "final_layer_norm",
                    List.of("input_layernorm", "post_attention_layernorm"),
                    List.of("attention.query_key_value"),
                    true,
                    List.of(),
                    List.of(),
                    "attention.dense",
                    List.of("mlp.dense_h_to_4h"),
                    "mlp.dense_4h_to_h",
                    false,
                    false,
                    Optional.empty(),
                    Optional.empty(),
                    List.of());

    /// Adds the names of a mixer with a state.
    TensorNames withState(State others) {
        return new With().state(others).names();
    }

    /// Replaces the names of a block's norms.
    TensorNames withNorms(String... others) {
        return new With().norms(others).names();
    }

    /// Replaces the matrix, or matrices, into the feed-forward part.
    TensorNames withUp(String... others) {
        return new With().up(others).names();
    }

    /// Replaces queries, keys and values by one matrix, and gate and up projection by one.
    TensorNames withFused(String projections, String gateAndUp) {
        return new With().qkv(projections).up(gateAndUp).names();
    }

    /// Adds the names of experts.
    TensorNames withExperts(Experts others) {
        return new With().experts(others).names();
    }

    /// Changes several names.
    With with() {
        return new With();
    }

    /// The names with some others in their places.
    final class With {
        private String ownTrunk = trunk;
        private String ownEmbedding = embedding;
        private String ownFinalNorm = finalNorm;
        private List<String> ownNorms = norms;
        private List<String> ownQkv = qkv;
        private List<String> ownQkNorms = qkNorms;
        private List<String> ownInnerNorms = innerNorms;
        private String ownOutput = output;
        private List<String> ownUp = up;
        private String ownDown = down;
        private Optional<Experts> ownExperts = experts;
        private Optional<State> ownState = state;
        private List<InFile> ownInFiles = inFiles;

        With trunk(String other, String otherEmbedding) {
            ownTrunk = other;
            ownEmbedding = otherEmbedding;
            return this;
        }

        With finalNorm(String other) {
            ownFinalNorm = other;
            return this;
        }

        With norms(String... others) {
            ownNorms = List.of(others);
            return this;
        }

        With qkv(String... others) {
            ownQkv = List.of(others);
            return this;
        }

        With qkNorms(String ofQueries, String ofKeys) {
            ownQkNorms = List.of(ofQueries, ofKeys);
            return this;
        }

        With innerNorms(String ofAttention, String ofFeedForward) {
            ownInnerNorms = List.of(ofAttention, ofFeedForward);
            return this;
        }

        With output(String other) {
            ownOutput = other;
            return this;
        }

        With up(String... others) {
            ownUp = List.of(others);
            return this;
        }

        With down(String other) {
            ownDown = other;
            return this;
        }

        With experts(Experts others) {
            ownExperts = Optional.of(others);
            return this;
        }

        With state(State others) {
            ownState = Optional.of(others);
            return this;
        }

        With inFiles(List<InFile> others) {
            ownInFiles = others;
            return this;
        }

        TensorNames names() {
            return new TensorNames(
                    ownTrunk,
                    head,
                    ownEmbedding,
                    positions,
                    layers,
                    ownFinalNorm,
                    ownNorms,
                    ownQkv,
                    qkvByHead,
                    ownQkNorms,
                    ownInnerNorms,
                    ownOutput,
                    ownUp,
                    ownDown,
                    transposed,
                    padRowStays,
                    ownExperts,
                    ownState,
                    ownInFiles);
        }
    }

    /// The module's name of a tensor that a file may call otherwise.
    public String ofModule(String inFile) {
        int inner = inBlock(inFile);
        return inFiles.stream()
                .filter(f -> inner > 0 && inFile.startsWith(f.file(), inner))
                .findFirst()
                .map(f -> replaced(inFile, inner, f.file(), f.module()))
                .orElse(inFile);
    }

    /// The name in files of a module's tensor.
    public String inFile(String ofModule) {
        int inner = inBlock(ofModule);
        return inFiles.stream()
                .filter(f -> inner > 0 && f.written() && ofModule.startsWith(f.module(), inner))
                .findFirst()
                .map(f -> replaced(ofModule, inner, f.module(), f.file()))
                .orElse(ofModule);
    }

    private static String replaced(String name, int inner, String old, String other) {
        return name.substring(0, inner) + other + name.substring(inner + old.length());
    }

    /// Where a tensor's name in its block begins; 0 outside of blocks.
    private int inBlock(String name) {
        String blocks = trunk + "." + layers + ".";
        return name.startsWith(blocks) ? name.indexOf('.', blocks.length()) + 1 : 0;
    }

    /// Path of the embedding of tokens.
    public String embeddingPath() {
        return trunk + "." + embedding;
    }

    /// Path of the learned embedding of positions, if the family has one.
    Optional<String> positionsPath() {
        return positions.map(name -> trunk + "." + name);
    }

    /// Path of the norm behind the last block.
    public String finalNormPath() {
        return trunk + "." + finalNorm;
    }

    /// Path of the output layer, of a model that predicts tokens or scores.
    public String outputPath(DecoderConfig config) {
        return config.scores() ? SCORE : head;
    }

    /// Path of a block with a dot behind it, e.g. `model.layers.0.`.
    public String block(int layer) {
        return trunk + "." + layers + "." + layer + ".";
    }
}
