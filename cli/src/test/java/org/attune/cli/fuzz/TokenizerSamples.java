package org.attune.cli.fuzz;

import java.util.ArrayList;
import java.util.List;

/// Tokenizers of every kind with every kind of part, a few tokens each.
final class TokenizerSamples {
    private static final String ADDED =
            """
            {"id": %d, "content": "%s", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
             "special": true}\
            """;

    static final String BYTE_LEVEL =
            """
            {"version": "1.0", "truncation": null, "padding": null,
             "added_tokens": [%s, %s],
             "normalizer": {"type": "NFC"},
             "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
               {"type": "Split", "pattern": {"Regex": "\\\\p{N}{1,3}|'s| ?\\\\p{L}+|\\\\s+(?!\\\\S)|\\\\s+"},
                "behavior": "Isolated", "invert": false},
               {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": true}]},
             "post_processor": {"type": "TemplateProcessing",
               "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
               "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
               "special_tokens": {"<s>": {"id": "<s>", "ids": [9], "tokens": ["<s>"]}}},
             "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": true},
             "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
               "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
               "vocab": {"a": 0, "b": 1, "ab": 2, "Ġ": 3, "Ġa": 4, "c": 5, "d": 6, "e": 7, "f": 8},
               "merges": [["a", "b"], ["Ġ", "a"]]}}
            """
                    .formatted(ADDED.formatted(9, "<s>"), ADDED.formatted(10, "<pad>"));

    private static final String PIECES =
            """
            {"version": "1.0", "truncation": {"direction": "Right", "max_length": 16, "strategy": "LongestFirst", "stride": 0},
             "padding": {"strategy": {"Fixed": 16}, "direction": "Right", "pad_to_multiple_of": 8, "pad_id": 10,
                         "pad_type_id": 0, "pad_token": "<pad>"},
             "added_tokens": [%s, %s],
             "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
               {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}, {"type": "NFKC"}, {"type": "Lowercase"}]},
             "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true},
             "post_processor": {"type": "BertProcessing", "sep": ["<s>", 9], "cls": ["<pad>", 10]},
             "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
               {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
             "model": {"type": "BPE", "dropout": 0.0, "unk_token": "c", "continuing_subword_prefix": "",
               "end_of_word_suffix": "", "fuse_unk": true, "byte_fallback": true, "ignore_merges": true,
               "vocab": {"a": 0, "b": 1, "ab": 2, "▁": 3, "▁a": 4, "c": 5, "<0x0A>": 6, "e": 7, "f": 8},
               "merges": ["a b", "▁ a"]}}
            """
                    .formatted(ADDED.formatted(9, "<s>"), ADDED.formatted(10, "<pad>"));

    private static final String WORD_PIECES =
            """
            {"added_tokens": [%s],
             "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null,
                            "lowercase": true},
             "pre_tokenizer": {"type": "BertPreTokenizer"},
             "post_processor": {"type": "RobertaProcessing", "sep": ["[UNK]", 0], "cls": ["[UNK]", 0], "trim_offsets": true,
                                "add_prefix_space": true},
             "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
             "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
               "max_input_chars_per_word": 100, "vocab": {"[UNK]": 0, "a": 1, "##b": 2, "##c": 3, "b": 4}}}
            """
                    .formatted(ADDED.formatted(0, "[UNK]"));

    private static final String UNIGRAM =
            """
            {"added_tokens": [%s],
             "normalizer": {"type": "Sequence", "normalizers": [{"type": "Strip", "strip_left": true, "strip_right": true},
               {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}, {"type": "StripAccents"}]},
             "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Punctuation",
               "behavior": "Isolated"}, {"type": "Digits", "individual_digits": true}]},
             "post_processor": {"type": "Sequence", "processors": [{"type": "ByteLevel", "add_prefix_space": true,
               "trim_offsets": true, "use_regex": true}]},
             "decoder": {"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": true},
             "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": false,
               "vocab": [["<unk>", 0.0], ["a", -1.0], ["b", -2.0], ["ab", -2.5]]}}
            """
                    .formatted(ADDED.formatted(4, "<e>"));

    private static final String WORDS =
            """
            {"added_tokens": [], "normalizer": {"type": "Nmt"}, "pre_tokenizer": {"type": "Whitespace"},
             "post_processor": null, "decoder": {"type": "BPEDecoder", "suffix": "</w>"},
             "model": {"type": "WordLevel", "unk_token": "<unk>", "vocab": {"<unk>": 0, "a": 1, "b": 2}}}
            """;

    private TokenizerSamples() {}

    /// Model folders without weights.
    static List<Sample> all() {
        List<Sample> samples = new ArrayList<>();
        for (String tokenizer :
                List.of(BYTE_LEVEL, BYTE_LEVEL, PIECES, WORD_PIECES, UNIGRAM, WORDS)) {
            samples.add(Sample.of("tokenizer.json", tokenizer));
        }
        Sample settings =
                Sample.of(
                                "tokenizer_config.json",
                                """
                                {"bos_token": "<s>", "eos_token": {"content": "<s>", "lstrip": false}, "pad_token": "<pad>",
                                 "unk_token": null, "extra_special_tokens": {"x_token": "<pad>"},
                                 "added_tokens_decoder": {"9": {"content": "<s>", "special": true}},
                                 "chat_template": [{"name": "default", "template": "{{ messages[0].content }}"},
                                                   {"name": "tool_use", "template": "{{ tools }}"}],
                                 "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 1000000000000000019884624838656}
                                """)
                        .with("tokenizer.json", BYTE_LEVEL)
                        .with("special_tokens_map.json", "{\"unk_token\": \"a\"}")
                        .with("config.json", "{\"bos_token_id\": 9, \"eos_token_id\": [9, 10]}");
        samples.add(settings);
        samples.add(settings.with("chat_template.jinja", "{{ messages[0]['content'] }}"));
        return samples;
    }
}
