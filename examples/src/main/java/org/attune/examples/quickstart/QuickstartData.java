package org.attune.examples.quickstart;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.examples.quickstart.LetterTask.Puzzle;
import org.attune.files.AtomicFile;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Puzzles for the quickstart's two stages. The parts share no prompt.
///
/// @param sft for supervised training; a share of the answers are mistakes, as in data written by
///     careless people, so the model learns to do the tasks but often repeats the word
/// @param sftHeldOut as `sft`, to measure the loss
/// @param pairs for DPO: the right answer is chosen, the mistake rejected
/// @param pairsHeldOut as `pairs`, to measure how often the model prefers the right answer
public record QuickstartData(
        List<Labelled> sft,
        List<Labelled> sftHeldOut,
        List<Puzzle> pairs,
        List<Puzzle> pairsHeldOut) {
    private static final ObjectMapper JSON = new ObjectMapper();

    /// A puzzle with the answer that somebody gave, right or not.
    public record Labelled(Puzzle puzzle, String given) {}

    /// How much of each part, and how careless the answers are.
    ///
    /// @param mistakes share of the supervised answers that are mistakes, in [0, 1]
    public record Sizes(int sft, int sftHeldOut, int pairs, int pairsHeldOut, double mistakes) {
        /// What the quickstart uses.
        public static Sizes defaults() {
            return new Sizes(16_000, 256, 2_400, 256, 0.6);
        }
    }

    /// Draws all parts from `random`; equal seeds give equal data.
    public static QuickstartData draw(Sizes sizes, UniformRandomProvider random) {
        Set<String> prompts = new HashSet<>();
        List<Puzzle> pairsHeldOut = fresh(sizes.pairsHeldOut(), prompts, random);
        List<Puzzle> pairs = fresh(sizes.pairs(), prompts, random);
        List<Puzzle> sftHeldOut = fresh(sizes.sftHeldOut(), prompts, random);
        List<Puzzle> sft = fresh(sizes.sft(), prompts, random);
        return new QuickstartData(
                label(sft, sizes.mistakes(), random),
                label(sftHeldOut, sizes.mistakes(), random),
                pairs,
                pairsHeldOut);
    }

    private static List<Puzzle> fresh(
            int count, Set<String> prompts, UniformRandomProvider random) {
        var puzzles = new ArrayList<Puzzle>();
        while (puzzles.size() < count) {
            Puzzle puzzle = LetterTask.draw(random);
            if (prompts.add(puzzle.prompt())) {
                puzzles.add(puzzle);
            }
        }
        return List.copyOf(puzzles);
    }

    private static List<Labelled> label(
            List<Puzzle> puzzles, double mistakes, UniformRandomProvider random) {
        return puzzles.stream()
                .map(
                        p ->
                                new Labelled(
                                        p,
                                        random.nextDouble() < mistakes ? p.mistake() : p.answer()))
                .toList();
    }

    /// Writes `sft.jsonl`, `sft-heldout.jsonl`, `pairs.jsonl` and `pairs-heldout.jsonl`, in the
    /// conversational forms of TRL's prompt-completion and preference data.
    public void write(Path folder) throws IOException {
        write(folder.resolve("sft.jsonl"), sft.stream().map(QuickstartData::row).toList());
        write(
                folder.resolve("sft-heldout.jsonl"),
                sftHeldOut.stream().map(QuickstartData::row).toList());
        write(folder.resolve("pairs.jsonl"), pairs.stream().map(QuickstartData::row).toList());
        write(
                folder.resolve("pairs-heldout.jsonl"),
                pairsHeldOut.stream().map(QuickstartData::row).toList());
    }

    private static void write(Path file, List<ObjectNode> rows) throws IOException {
        var text = new StringBuilder();
        rows.forEach(row -> text.append(row).append('\n'));
        AtomicFile.writeText(file, text.toString());
    }

    private static ObjectNode row(Labelled example) {
        ObjectNode row = JSON.createObjectNode();
        addMessage(row, "prompt", "user", example.puzzle().prompt());
        addMessage(row, "completion", "assistant", example.given());
        return row;
    }

    private static ObjectNode row(Puzzle puzzle) {
        ObjectNode row = JSON.createObjectNode();
        addMessage(row, "prompt", "user", puzzle.prompt());
        addMessage(row, "chosen", "assistant", puzzle.answer());
        addMessage(row, "rejected", "assistant", puzzle.mistake());
        return row;
    }

    private static void addMessage(ObjectNode row, String column, String role, String content) {
        row.putArray(column).addObject().put("role", role).put("content", content);
    }
}
