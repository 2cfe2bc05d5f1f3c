package org.attune.examples.agents;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/// Writes the rows of the agents in `examples/agents`: `./attune example agents.AgentRows DIR`.
///
/// For each task `TASK-sft.jsonl`, conversations of players who know the rules and play badly, from
/// which the embedded model learns the form; `TASK-prompts.jsonl` and `TASK-heldout.jsonl`, what
/// episodes begin with; of games also `TASK-control.jsonl`, for rewards that say nothing; of
/// stories also `stories-pairs.jsonl`, right calls and wrong ones.
public final class AgentRows {
    private static final int SEED = 20_262;
    private static final int TAUGHT = 6_000;
    private static final int PROMPTS = 1_000;
    private static final int HELD_OUT = 200;

    /// A model that knows English learns the form from few.
    private static final int STORIES = 512;

    private AgentRows() {}

    /// Writes the files.
    ///
    /// @param args the folder, created if it is not there
    public static void main(String[] args) throws IOException {
        if (args.length != 1) {
            throw new IllegalArgumentException("one argument is needed: the folder to write to");
        }
        write(Path.of(args[0]));
    }

    static void write(Path folder) throws IOException {
        Files.createDirectories(folder);
        UniformRandomProvider random = RandomSource.XO_SHI_RO_256_PP.create(SEED);
        writeQuestions(
                folder, "calculator", TAUGHT, PROMPTS, () -> CalculatorRows.careless(random));

        List<Dialogue> guesses = new ArrayList<>();
        List<Dialogue> games = new ArrayList<>();
        for (int i = 0; i < TAUGHT; i++) {
            guesses.add(GameRows.guessing(random));
            games.add(GameRows.ticTacToe(random));
        }
        writeGame(folder, "guess", GameRows.GUESS, guesses);
        writeGame(folder, "tictactoe", GameRows.BOARD, games);
        Set<String> heldOut =
                writeQuestions(
                        folder, "stories", STORIES, STORIES, () -> StoryRows.careless(random));

        List<Dialogue> takings = new ArrayList<>();
        List<Dialogue> winnable = new ArrayList<>();
        for (int i = 0; i < TAUGHT; i++) {
            takings.add(GameRows.takeAway(random));
        }
        for (int i = 0; i < HELD_OUT; i++) {
            int stones = 1 + 4 * (1 + i % 2) + i % 3; // not a multiple of four
            winnable.add(opening(GameRows.STONES).column("stones", stones));
        }
        writeGame(folder, "takeaway", GameRows.STONES, takings, winnable);
        writePairs(folder.resolve("stories-pairs.jsonl"), heldOut, () -> StoryRows.pair(random));
    }

    /// A right call and a wrong one, for questions that are not held out.
    private static void writePairs(Path file, Set<String> heldOut, Supplier<Dialogue.Pair> pair)
            throws IOException {
        List<Dialogue.Pair> pairs = new ArrayList<>();
        while (pairs.size() < STORIES) {
            Dialogue.Pair next = pair.get();
            if (!heldOut.contains(next.chosen().question())) {
                pairs.add(next);
            }
        }
        Dialogue.writePairs(file, pairs);
    }

    /// Questions with an answer; those held out, which are not among the others, are returned.
    private static Set<String> writeQuestions(
            Path folder, String name, int taught, int prompts, Supplier<Dialogue> question)
            throws IOException {
        Set<String> held = new HashSet<>();
        List<Dialogue> heldOut = new ArrayList<>();
        while (heldOut.size() < HELD_OUT) {
            Dialogue dialogue = question.get();
            if (held.add(dialogue.question())) {
                heldOut.add(dialogue);
            }
        }
        List<Dialogue> rows = new ArrayList<>();
        while (rows.size() < taught + prompts) {
            Dialogue dialogue = question.get();
            if (!held.contains(dialogue.question())) {
                rows.add(dialogue);
            }
        }
        Dialogue.writeTaught(folder.resolve(name + "-sft.jsonl"), rows.subList(0, taught));
        Dialogue.writePrompts(
                folder.resolve(name + "-prompts.jsonl"), rows.subList(taught, rows.size()));
        Dialogue.writePrompts(folder.resolve(name + "-heldout.jsonl"), heldOut);
        return held;
    }

    /// All games begin alike; what differs is the seed of an episode.
    private static void writeGame(Path folder, String name, String first, List<Dialogue> taught)
            throws IOException {
        writeGame(folder, name, first, taught, Collections.nCopies(HELD_OUT, opening(first)));
    }

    private static void writeGame(
            Path folder, String name, String first, List<Dialogue> taught, List<Dialogue> heldOut)
            throws IOException {
        Dialogue.writeTaught(folder.resolve(name + "-sft.jsonl"), taught);
        Dialogue.writePrompts(
                folder.resolve(name + "-prompts.jsonl"),
                Collections.nCopies(PROMPTS, opening(first)));
        Dialogue.writePrompts( // environments reward these by chance
                folder.resolve(name + "-control.jsonl"),
                Collections.nCopies(PROMPTS, opening(first).column("control", true)));
        Dialogue.writePrompts(folder.resolve(name + "-heldout.jsonl"), heldOut);
    }

    private static Dialogue opening(String first) {
        return new Dialogue(List.of(), "").user(first);
    }
}
