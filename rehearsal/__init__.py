"""AWS on one machine: stand-ins that speak the real protocols, processes, the story, its report.

A stand-in answers as AWS would and can be told to misbehave. Nothing here is deployed, and nothing that is
deployed knows of it: endpoint URLs are the only difference.
"""
