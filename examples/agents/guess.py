"""Guess a number from 1 to 15: an environment that is a program.

    environments: {guess: {command: [python3, guess.py]}}

It reads a JSON object from each line of its standard input, and prints one as the answer. What it
prints otherwise goes to the log. Needs nothing but Python.
"""

import json
import random
import sys

TOOLS = [
    {
        "name": "guess",
        "description": "Guesses the number.",
        "parameters": {
            "type": "object",
            "properties": {"number": {"type": "integer", "description": "from 1 to 15"}},
            "required": ["number"],
        },
    }
]

games = {}  # by episode, in case that one program serves all of them (per: run)


def reset(request):
    # Equal seeds in a group: all its episodes look for the same number.
    number = random.Random(request["seed"]).randint(1, 15)
    games[request["episode"]] = {"number": number, "guesses": 0, "found": False}
    return {"result": None}  # a text here would be appended to the prompt


def call(request):
    game = games[request["episode"]]
    number = request["call"]["arguments"]["number"]
    if not 1 <= number <= 15:
        return {"refused": "the number is from 1 to 15"}
    game["guesses"] += 1
    if number == game["number"]:
        game["found"] = True
        return {"done": "found"}  # ends the episode
    return {"result": "higher" if number < game["number"] else "lower"}


def reward(request):
    game = games[request["episode"]]
    return {"reward": 1.0 if game["found"] and game["guesses"] <= 4 else 0.0, "state": game}


def answer(request):
    if "list" in request:
        return {"tools": TOOLS, "answers": ["reward", "close"]}
    if "reset" in request:
        return reset(request)
    if "call" in request:
        return call(request)
    if "reward" in request:
        return reward(request)
    games.pop(request["episode"], None)  # close
    return {"result": None}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
