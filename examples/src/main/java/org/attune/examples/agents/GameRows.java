package org.attune.examples.agents;

import org.apache.commons.rng.UniformRandomProvider;

import java.util.List;

/// Games of players who know the rules and nothing else.
final class GameRows {
    /// What a game of guessing begins with.
    static final String GUESS = "1-15?";

    /// What a game of tic-tac-toe begins with; the environment adds the board.
    static final String BOARD = "X ";

    /// What a game of taking stones begins with; the environment adds their number.
    static final String STONES = "S ";

    private static final int HIGHEST = 15;
    private static final int GUESSES = 4;
    private static final int SQUARES = 9;
    private static final int FEWEST_STONES = 4;
    private static final int MOST_STONES = 12;
    private static final int MOST_TAKEN = 3;

    private GameRows() {}

    /// Half of the guesses heed what was said before, the others are any number.
    static Dialogue guessing(UniformRandomProvider random) {
        int secret = 1 + random.nextInt(HIGHEST);
        int low = 1;
        int high = HIGHEST;
        Dialogue dialogue = new Dialogue(List.of(), "").user(GUESS);
        for (int i = 0; i < GUESSES; i++) {
            int guess =
                    random.nextBoolean()
                            ? low + random.nextInt(high - low + 1)
                            : 1 + random.nextInt(HIGHEST);
            dialogue.assistant(String.valueOf(guess));
            if (guess == secret || i == GUESSES - 1) {
                break;
            }
            dialogue.user(guess < secret ? "higher" : "lower");
            if (guess < secret) {
                low = Math.max(low, guess + 1);
            } else {
                high = Math.min(high, guess - 1);
            }
        }
        return dialogue;
    }

    /// Both players take any free square. Nobody stops at a line: that is the environment's.
    static Dialogue ticTacToe(UniformRandomProvider random) {
        char[] board = ".".repeat(SQUARES).toCharArray();
        Dialogue dialogue = new Dialogue(List.of(), "");
        int moves = 1 + random.nextInt((SQUARES + 1) / 2);
        for (int i = 0; i < moves; i++) {
            dialogue.user((i == 0 ? BOARD : "") + new String(board));
            dialogue.assistant(String.valueOf(1 + take(board, 'X', random)));
            if (2 * i + 2 < SQUARES) {
                take(board, 'O', random);
            }
        }
        return dialogue;
    }

    /// What one of two players says, who both take any number that is allowed.
    static Dialogue takeAway(UniformRandomProvider random) {
        int left = FEWEST_STONES + random.nextInt(MOST_STONES - FEWEST_STONES + 1);
        left -= random.nextBoolean() ? taken(left, random) : 0; // the other one began
        Dialogue dialogue = new Dialogue(List.of(), "");
        for (boolean begins = true; left > 0; begins = false) {
            int taken = taken(left, random);
            dialogue.user((begins ? STONES : "") + left).assistant(String.valueOf(taken));
            left -= taken;
            left -= taken(left, random);
        }
        return dialogue;
    }

    private static int taken(int left, UniformRandomProvider random) {
        return left == 0 ? 0 : 1 + random.nextInt(Math.min(MOST_TAKEN, left));
    }

    /// @return which square was taken, from 0
    private static int take(char[] board, char player, UniformRandomProvider random) {
        int square = random.nextInt(SQUARES);
        while (board[square] != '.') {
            square = random.nextInt(SQUARES);
        }
        board[square] = player;
        return square;
    }
}
