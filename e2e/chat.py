#!/usr/bin/env python3
"""A conversation through the gateway, with OpenAI's own SDK.

    python3 e2e/chat.py [--model smollm2] [--key-file portcullis-data/first-key] QUESTION…

Without `--key-file` the key is taken from PORTCULLIS_KEY. Each question is a
turn of one conversation; the first is answered plain, the others streamed.
"""

import argparse
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base-url", default="http://127.0.0.1:4000/v1")
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--key-file", type=pathlib.Path)
    parser.add_argument("questions", nargs="+", metavar="QUESTION")
    return parser.parse_args()


def converse(client, model: str, questions: list) -> None:
    messages = []
    for turn, question in enumerate(questions):
        messages.append({"role": "user", "content": question})
        print(f"> {question}")
        if turn == 0:
            answer = client.chat.completions.create(model=model, messages=messages, max_tokens=64, temperature=0)
            text = answer.choices[0].message.content
            print(f"{text}\n[{answer.usage.prompt_tokens} + {answer.usage.completion_tokens} tokens]")
        else:
            text = ""
            stream = client.chat.completions.create(
                model=model, messages=messages, max_tokens=64, temperature=0, stream=True
            )
            for chunk in stream:
                piece = chunk.choices[0].delta.content or ""
                print(piece, end="", flush=True)
                text += piece
            print()
        messages.append({"role": "assistant", "content": text})


def main() -> None:
    options = arguments()

    from harness import install

    install.enter_venv(HERE)
    import openai

    key = options.key_file.read_text().strip() if options.key_file else os.environ.get("PORTCULLIS_KEY")
    if not key:
        sys.exit("Set PORTCULLIS_KEY to a virtual key, or name a file with --key-file.")
    converse(openai.OpenAI(base_url=options.base_url, api_key=key), options.model, options.questions)


if __name__ == "__main__":
    main()
