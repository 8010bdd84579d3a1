"""What a city is: frozen layers and their schemas, the city folder, the vocabulary of quantities, assumptions."""
